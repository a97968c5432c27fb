/** Lifetimes of threads through the API, with a clock that is moved: at its deadline a thread is gone for everyone, without any sweep. */
import { DeleteCommand, PutCommand, ScanCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { saying } from "../support/service/saying.ts";
import { openUserApi, type UserApi } from "../support/service/user-api.ts";
import { dynamoEngines } from "../support/stores/dynamo.ts";

const MINUTE = 60_000;
interface ThreadAnswer {
  thread_id: string;
  values: { said: string[] } | null;
  ttl?: { strategy: string; ttl_minutes: number; expires_at: string } | null;
}

describe.each(dynamoEngines)("lifetimes of threads on $name", (engine) => {
  let user: UserApi;
  let moved = 0;
  const clock = { now: () => Date.now() + moved };
  beforeAll(async () => {
    user = await openUserApi(engine, { graphs: { saying }, clock });
  });
  afterAll(() => user.close());

  const make = async (body: object) => (await user.ask<ThreadAnswer>("POST", "/threads", body)).body.thread_id;
  const run = (id: string, more: object = {}) =>
    user.ask("POST", `/threads/${id}/runs/wait`, { assistant_id: "saying", input: { said: ["What?"] }, ...more });
  const statusOf = async (id: string) => (await user.ask("GET", `/threads/${id}`)).status;
  const listed = async () =>
    (await user.ask<ThreadAnswer[]>("POST", "/threads/search", { limit: 1000 })).body.map((one) => one.thread_id);
  const items = async (id: string) => {
    const { Items = [] } = await user.table.client.send(new ScanCommand({ TableName: user.table.tableName }));
    return Items.filter(({ pk }) => String(pk).includes(id)).map(({ pk, sk }) => `${pk} ${sk}`);
  };

  it("are kept for good unless somebody says otherwise", async () => {
    const id = await make({});
    const { body } = await user.ask<ThreadAnswer>("GET", `/threads/${id}?include=ttl`);
    expect(body.ttl).toBe(null);
    moved += 4000 * 24 * 60 * MINUTE;
    expect(await statusOf(id)).toBe(200);
  });

  it.each([
    ["at their making", { ttl: 5 }, undefined],
    ["with a strategy", { ttl: { ttl: 5, strategy: "delete" } }, undefined],
    ["by an update", {}, { ttl: 5 }],
  ])("end at the deadline that was given %s, on every route", async (_how, body, update) => {
    const id = await make(body);
    if (update) expect((await user.ask("PATCH", `/threads/${id}`, update)).status).toBe(200);
    const { headers } = await run(id);
    const ran = /runs\/([\w-]+)/.exec(headers.get("Content-Location") ?? "")?.[1];
    expect(ran).toBeDefined();
    const shown = (await user.ask<ThreadAnswer>("GET", `/threads/${id}?include=ttl`)).body;
    expect(shown.ttl).toMatchObject({ strategy: "delete", ttl_minutes: 5 });
    expect(shown.values?.said).toEqual(["What?", "42"]);
    const until = Date.parse(shown.ttl?.expires_at ?? "");
    moved += until - clock.now() - 2000;
    expect(await statusOf(id)).toBe(200);
    moved += 2001;
    const routes: [string, string, object?][] = [
      ["GET", ""],
      ["GET", "?include=ttl"],
      ["PATCH", "", { metadata: { a: 1 } }],
      ["PATCH", "", { ttl: 5 }],
      ["POST", "/copy", {}],
      ["GET", "/state"],
      ["POST", "/state", { values: { said: ["no"] } }],
      ["GET", "/history"],
      ["POST", "/history", {}],
      ["GET", "/runs"],
      ["POST", "/runs", { assistant_id: "saying", input: {} }],
      ["POST", "/runs/wait", { assistant_id: "saying", input: {} }],
      ["POST", "/runs/stream", { assistant_id: "saying", input: {} }],
      ["GET", `/runs/${ran}`],
      ["GET", `/runs/${ran}/join`],
      ["GET", `/runs/${ran}/stream`],
      ["POST", `/runs/${ran}/cancel`],
      ["POST", `/runs/${ran}/cancel?wait=true`],
      ["DELETE", `/runs/${ran}`],
      ["GET", ""],
      ["DELETE", ""],
    ];
    for (const [method, path, asked] of routes)
      expect([method, path, (await user.ask(method, `/threads/${id}${path}`, asked)).status]).toEqual([
        method,
        path,
        404,
      ]);
    expect(await listed()).not.toContain(id);
  });

  it("are moved by what is done in a thread, and not by reading it", async () => {
    const id = await make({ ttl: 10 });
    for (let turn = 0; turn < 4; turn++) {
      moved += 9 * MINUTE;
      await run(id);
    }
    moved += 9 * MINUTE;
    expect((await user.ask("POST", `/threads/${id}/state`, { values: { said: ["more"] } })).status).toBe(200);
    moved += 9 * MINUTE;
    expect((await user.ask<ThreadAnswer>("GET", `/threads/${id}`)).body.values?.said).toHaveLength(9);
    moved += 2 * MINUTE;
    expect(await statusOf(id)).toBe(404);
  });

  it("are given in a run, to the thread that it makes and to one that is there", async () => {
    const lifetimeNow = async (id: string) =>
      (await user.ask<ThreadAnswer>("GET", `/threads/${id}?include=ttl`)).body.ttl;
    const made = crypto.randomUUID();
    const ttl = { ttl: 5, strategy: "keep_latest" };
    await run(made, { if_not_exists: "create", ttl });
    expect(await lifetimeNow(made)).toMatchObject({ strategy: "keep_latest", ttl_minutes: 5 });
    const there = await make({});
    await run(there, { ttl: 5 });
    expect(await lifetimeNow(there)).toMatchObject({ strategy: "delete", ttl_minutes: 5 });
    await run(made);
    expect(await lifetimeNow(made)).toMatchObject({ strategy: "keep_latest", ttl_minutes: 5 });
    const alone = { assistant_id: "saying", input: {}, ttl: 5 };
    const kept = (await user.ask<{ thread_id: string }>("POST", "/runs", { ...alone, on_completion: "keep" })).body;
    await expect
      .poll(async () => (await user.ask<{ status: string }>("GET", `/threads/${kept.thread_id}`)).body.status)
      .toBe("idle");
    expect(await lifetimeNow(kept.thread_id)).toMatchObject({ strategy: "delete", ttl_minutes: 5 });
    const refused = await user.ask<{ detail: string }>("POST", "/runs/wait", alone);
    expect([refused.status, refused.body.detail]).toEqual([501, expect.stringContaining("ttl of a run")]);
    moved += 6 * MINUTE;
    expect([await statusOf(made), await statusOf(there), await statusOf(kept.thread_id)]).toEqual([200, 404, 404]);
    await user.api.runner.sweep();
    expect(await items(there)).toEqual([`thread#${there} deadline`]);
    expect((await items(made)).filter((one) => one.includes(" writes#"))).toEqual([]);
  });

  it("are shown as what they are at least, while a run waits", async () => {
    const id = await make({ ttl: 5 });
    const asked = { assistant_id: "saying", input: {}, after_seconds: 900 };
    const { run_id } = (await user.ask<{ run_id: string }>("POST", `/threads/${id}/runs`, asked)).body;
    const until = async () =>
      Date.parse((await user.ask<ThreadAnswer>("GET", `/threads/${id}?include=ttl`)).body.ttl?.expires_at ?? "");
    moved += 9 * MINUTE;
    const now = clock.now();
    expect(await until()).toBeGreaterThanOrEqual(now + 5 * MINUTE);
    await user.ask("POST", `/threads/${id}/runs/${run_id}/cancel?wait=true`);
    moved += (await until()) - clock.now() - 2000;
    expect(await statusOf(id)).toBe(200);
    moved += 2001;
    expect(await statusOf(id)).toBe(404);
  });

  it("are those of the source, in a copy", async () => {
    const id = await make({ ttl: 10 });
    await run(id);
    const copy = (await user.ask<ThreadAnswer>("POST", `/threads/${id}/copy`, {})).body.thread_id;
    const { body } = await user.ask<ThreadAnswer>("GET", `/threads/${copy}?include=ttl`);
    expect(body.ttl?.ttl_minutes).toBe(10);
  });

  it("make room for a new thread of the same id, which has nothing of the old one", async () => {
    const id = await make({ ttl: 1 });
    await run(id);
    moved += 2 * MINUTE;
    expect((await user.ask("POST", "/threads", { thread_id: id })).status).toBe(200);
    expect((await user.ask<ThreadAnswer>("GET", `/threads/${id}`)).body.values).toBe(null);
    expect((await run(id)).status).toBe(200);
    const short = await make({ ttl: 1 });
    moved += 2 * MINUTE;
    expect((await run(short, { if_not_exists: "create" })).status).toBe(200);
  });

  it("end in nothing that is stored, once a sweep has come by", async () => {
    const [over, alive] = [await make({ ttl: 1 }), await make({ ttl: 1 })];
    await run(over);
    await run(alive);
    moved += 30_000;
    await run(alive);
    moved += 40_000;
    await user.api.runner.sweep();
    // The marker by which the sweep looks once more.
    const marker = (id: string) => [`thread#${id} deadline`];
    await expect.poll(() => items(over)).toEqual(marker(over));
    expect(await statusOf(alive)).toBe(200);
    moved += 2 * MINUTE;
    await user.api.runner.sweep();
    expect(await items(alive)).toEqual(marker(alive));
    moved += 31 * MINUTE;
    await user.api.runner.sweep();
    expect([await items(over), await items(alive)]).toEqual([[], []]);
  });

  it("are nobody else's to change, and go by, whatever the ids of others", async () => {
    const id = await make({ ttl: 1 });
    await user.become("eve@example.com");
    expect((await user.ask("POST", "/threads", { thread_id: id, ttl: 5_000_000 })).status).toBe(404);
    await user.become("ada@example.com");
    await user.ask("POST", "/threads", { thread_id: id, ttl: 5_000_000, if_exists: "do_nothing" });
    moved += 2 * MINUTE;
    expect(await statusOf(id)).toBe(404);
    await user.api.runner.sweep();
    moved += 31 * MINUTE;
    await user.api.runner.sweep();
    expect(await items(id)).toEqual([]);
  });

  it("leave nothing of a write that lands after its thread was deleted", async () => {
    const id = await make({});
    await run(id);
    const { Items = [] } = await user.table.client.send(new ScanCommand({ TableName: user.table.tableName }));
    const written = Items.filter(({ pk }) => pk === `checkpoint#${id}`);
    expect(written.length).toBeGreaterThan(0);
    expect((await user.ask("DELETE", `/threads/${id}`)).status).toBe(204);
    // A request that was sent before the deletion, and lands after it.
    for (const Item of written) await user.table.client.send(new PutCommand({ TableName: user.table.tableName, Item }));
    moved += 29 * MINUTE;
    await user.api.runner.sweep();
    expect((await items(id)).length).toBe(written.length + 1);
    expect(await statusOf(id)).toBe(404);
    moved += 2 * MINUTE;
    await user.api.runner.sweep();
    expect(await items(id)).toEqual([]);
  });

  it("keep what lands in a thread of the same id", async () => {
    const id = await make({});
    await run(id);
    expect((await user.ask("DELETE", `/threads/${id}`)).status).toBe(204);
    expect((await user.ask("POST", "/threads", { thread_id: id, ttl: 600 })).status).toBe(200);
    await run(id);
    moved += 31 * MINUTE;
    await user.api.runner.sweep();
    expect((await user.ask<ThreadAnswer>("GET", `/threads/${id}`)).body.values?.said).toHaveLength(2);
    moved += 600 * MINUTE;
    expect(await statusOf(id)).toBe(404);
    await user.api.runner.sweep();
    moved += 31 * MINUTE;
    await user.api.runner.sweep();
    expect(await items(id)).toEqual([]);
  });

  it("end for others while one thread cannot be deleted", async () => {
    const [broken, sound] = [await make({ ttl: 1 }), await make({ ttl: 1 })];
    const item = { pk: `checkpoint#${broken}`, sk: "segment#a#000000", o: "in/a/store" };
    await user.table.client.send(new PutCommand({ TableName: user.table.tableName, Item: item }));
    moved += 2 * MINUTE;
    for (let sweep = 0; sweep < 2; sweep++) {
      await expect(user.api.runner.sweep()).rejects.toThrow(/blob store/);
      moved += 2 * MINUTE;
    }
    expect(await items(sound)).toEqual([`thread#${sound} deadline`]);
    expect(await statusOf(broken)).toBe(404);
    const { pk, sk } = item;
    await user.table.client.send(new DeleteCommand({ TableName: user.table.tableName, Key: { pk, sk } }));
  });

  it.each(["delete", "keep_latest"])(
    "with a damaged owner show the thread to whose list it is in, who decides (%s)",
    async (strategy) => {
      const id = await make({ ttl: { ttl: 5, strategy } });
      await run(id);
      await user.table.client.send(
        new UpdateCommand({
          ...{ TableName: user.table.tableName, Key: { pk: `thread#${id}`, sk: "thread" } },
          ...{ UpdateExpression: "SET #owner = :damaged", ExpressionAttributeNames: { "#owner": "owner" } },
          ExpressionAttributeValues: { ":damaged": 7 },
        }),
      );
      moved += 6 * MINUTE;
      await user.api.runner.sweep();
      const { body } = await user.ask<ThreadAnswer & { status: string }>("GET", `/threads/${id}`);
      expect([body.status, body.values?.said]).toEqual(["error", ["What?", "42"]]);
      expect(await listed()).toContain(id);
      for (const [method, path, asked] of [
        ["PATCH", `/threads/${id}`, { ttl: 5 }],
        ["POST", "/threads/prune", { thread_ids: [id], strategy: "keep_latest" }],
      ] as const)
        expect((await user.ask<{ type: string }>(method, path, asked)).body.type).toBe("/api/problems/record-damaged");
      await user.become("eve@example.com");
      expect(await statusOf(id)).toBe(404);
      await user.become("ada@example.com");
      expect((await user.ask("DELETE", `/threads/${id}`)).status).toBe(204);
      expect(await statusOf(id)).toBe(404);
    },
  );

  it("are refused by name where they cannot be kept", async () => {
    const id = await make({});
    for (const [method, path, body] of [["GET", `/threads/${id}?include=other`, undefined]] as const)
      expect([path, (await user.ask(method, path, body)).status]).toEqual([path, 501]);
    for (const ttl of [0, -1, "5", { ttl: 0 }, { strategy: "delete" }, 1e12, { ttl: 5, strategy: "other" }])
      expect([ttl, (await user.ask("POST", "/threads", { ttl })).status]).toEqual([ttl, 400]);
  });

  it("end at once by prune, for those that one has", async () => {
    const [one, other] = [await make({}), await make({})];
    const { body } = await user.ask("POST", "/threads/prune", { thread_ids: [one, other, one, crypto.randomUUID()] });
    expect(body).toEqual({ pruned_count: 2 });
    expect([await statusOf(one), await statusOf(other)]).toEqual([404, 404]);
  });
});
