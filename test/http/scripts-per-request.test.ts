/** Counts a request's scripts on Redis: one script for its login, however many groups of routes are below its path, and one for a limit. */
import { createApi } from "@tenure/functions/api";
import { describedRoutes } from "@tenure/functions/routes/openapi";
import { Runner } from "@tenure/functions/runs/runner";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openUserApi, type UserApi } from "../support/service/user-api.ts";
import { dynamoEngines } from "../support/stores/dynamo.ts";

let user: UserApi;
/** First keys of the scripts that were run, and the last one's. */
let keys: string[] = [];
beforeAll(async () => {
  user = await openUserApi(dynamoEngines[0] as (typeof dynamoEngines)[0]);
  const { engine } = user.redis;
  const send = engine.send.bind(engine);
  engine.send = (args) => {
    if (/^EVAL/i.test(args[0] ?? "")) keys.push(args[3] ?? "");
    return send(args);
  };
});
afterAll(() => user.close());

const kindOf = (key: string) => key.split(":")[0];
/** The kinds of keys whose scripts a request has run, without those of a run's own event log and of the race's record. */
async function kinds(method: string, path: string, body?: unknown): Promise<(string | undefined)[]> {
  keys = [];
  await user.send(method, path, body === undefined ? undefined : JSON.stringify(body));
  return keys.map(kindOf).filter((kind) => kind !== "run" && kind !== "race");
}

it("is one for each route there is, and one more where a limit is taken", async () => {
  const routes = describedRoutes(createApi(user.api.deps, new Runner(user.api.deps)));
  const nothing = "00000000-0000-4000-8000-000000000000";
  const odd: string[] = [];
  // A server is sent a script twice when it does not know it yet.
  await user.ask("GET", `/threads/${nothing}`);
  let seen = 0;
  for (const { method: name, path, spec } of routes) {
    const method = name.toUpperCase();
    // The account's deletion would end the session that the other routes are asked with.
    if (method === "DELETE" && path.endsWith("/account")) continue;
    const place = path.replace("/api", "").replace(/:\w+/g, nothing);
    const found = await kinds(method, place, method === "GET" || method === "DELETE" ? undefined : {});
    const isOpen = spec.open === true;
    const logins = found.filter((kind) => kind === "session").length;
    const limits = found.filter((kind) => kind === "window").length;
    seen += logins;
    const isAsItShould = logins === (isOpen ? 0 : 1) && limits <= 1 && found.length === logins + limits;
    if (!isAsItShould && !isOpen) odd.push(`${method} ${place}: ${found.join(", ")}`);
  }
  expect(odd).toEqual([]);
  expect(seen).toBeGreaterThan(40);
});

it("is one, and one for the limit, for a run that is waited for", async () => {
  const { body: thread } = await user.ask<{ thread_id: string }>("POST", "/threads", {});
  const input = { messages: [{ role: "user", content: "hello" }] };
  const run = { assistant_id: "agent", input };
  expect(await kinds("GET", `/threads/${thread.thread_id}/runs`)).toEqual(["session"]);
  expect(await kinds("POST", `/threads/${thread.thread_id}/runs/wait`, run)).toEqual(["session", "window"]);
  expect(await kinds("POST", "/runs/wait", run)).toEqual(["session", "window"]);
});
