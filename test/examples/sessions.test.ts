import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { expect, it } from "vitest";
import { createExample } from "../../examples/sessions.ts";
import { behindGateway } from "../support/stores/redis.ts";

it("gives any Hono app sessions that end at once", async () => {
  const behind = await behindGateway(new EmbeddedRedis());
  const app = createExample({
    redis: behind,
    pepper: "a pepper of more than thirty-two characters",
    recognize: async (proof) => (proof === "open sesame" ? { userId: "u1", name: "Ada" } : undefined),
  });
  let cookie = "";
  const send = async (method: string, path: string, body?: string, held = cookie) => {
    const response = await app.request(path, {
      method,
      headers: { Cookie: held },
      ...(body !== undefined && { body }),
    });
    cookie = response.headers.get("set-cookie")?.split(";")[0] ?? cookie;
    return [response.status, (await response.text()).slice(0, 60)];
  };
  try {
    expect(await send("POST", "/login", "wrong")).toEqual([401, "That is not right."]);
    expect((await send("GET", "/me/name"))[0]).toBe(401);
    expect(await send("POST", "/login", "open sesame")).toEqual([200, "Welcome, Ada."]);
    expect(await send("GET", "/me/name")).toEqual([200, "Ada"]);
    expect(await send("POST", "/me/favourites", "tea")).toEqual([200, '["tea"]']);
    expect(await send("POST", "/me/favourites", "rain")).toEqual([200, '["tea","rain"]']);
    const first = cookie;
    expect(await send("POST", "/me/promote")).toEqual([200, "Now you may do more."]);
    expect((await send("GET", "/me/name", undefined, first))[0]).toBe(401);
    expect(await send("GET", "/me/name")).toEqual([200, "Ada"]);
    const second = cookie;
    expect(await send("POST", "/me/logout")).toEqual([200, "Goodbye."]);
    expect((await send("GET", "/me/name", undefined, second))[0]).toBe(401);
    await behind.close();
    expect((await send("GET", "/me/name", undefined, second))[0]).toBe(503);
  } finally {
    await behind.close().catch(() => {});
  }
});
