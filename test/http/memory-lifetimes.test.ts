/** Lifetimes of memory items through the API, with a clock that is moved. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openUserApi, type UserApi } from "../support/service/user-api.ts";
import { dynamoEngines } from "../support/stores/dynamo.ts";

const MINUTE = 60_000;

describe.each(dynamoEngines)("lifetimes of memory items on $name", (engine) => {
  let user: UserApi;
  let moved = 0;
  beforeAll(async () => {
    user = await openUserApi(engine, { clock: { now: () => Date.now() + moved }, memoryTtlMs: 60 * MINUTE });
  });
  afterAll(() => user.close());

  const put = (key: string, ttl?: number | null) =>
    user.ask("PUT", "/store/items", { namespace: ["notes"], key, value: { key }, ...(ttl !== undefined && { ttl }) });
  const get = async (key: string, refresh = "") =>
    (await user.ask("GET", `/store/items?namespace=notes&key=${key}${refresh}`)).body;
  const search = async (more: object = {}) =>
    (
      await user.ask<{ items: { key: string }[] }>("POST", "/store/items/search", {
        namespace_prefix: ["notes"],
        ...more,
      })
    ).body.items.map(({ key }) => key);

  it("are the item's own, else the service's, and none where null is asked for", async () => {
    await put("own", 10);
    await put("service");
    await put("lasting", null);
    moved += 9 * MINUTE;
    expect(await search()).toEqual(["lasting", "own", "service"]);
    moved += 2 * MINUTE;
    expect(await get("own")).toBe(null);
    expect(await search()).toEqual(["lasting", "service"]);
    moved += 50 * MINUTE;
    expect(await search()).toEqual(["lasting"]);
    moved += 5000 * 24 * 60 * MINUTE;
    expect(await search({ refresh_ttl: true })).toEqual(["lasting"]);
  });

  it("are moved by a read that refreshes, and by no other", async () => {
    for (const key of ["read", "searched", "left"]) await put(key, 10);
    for (let turn = 0; turn < 3; turn++) {
      moved += 4 * MINUTE;
      expect(await get("read", "&refresh_ttl=true")).toMatchObject({ value: { key: "read" } });
      expect(await search({ filter: { key: "searched" }, refresh_ttl: true })).toEqual(["searched"]);
      await get("left", "&refresh_ttl=false");
    }
    expect([await get("read"), await get("searched")]).not.toContain(null);
    expect(await get("left")).toBe(null);
    moved += 11 * MINUTE;
    expect(await get("read", "&refresh_ttl=true")).toBe(null);
    expect(await get("read")).toBe(null);
  });

  it("are refused where they are no lengths of time", async () => {
    for (const ttl of [0, -1, "5", 1e12]) expect((await put("bad", ttl as number)).status).toBe(400);
    expect((await user.ask("GET", "/store/items?namespace=notes&key=a&refresh_ttl=perhaps")).status).toBe(400);
  });
});
