/** The lifetime that a service gives to threads that ask for none, over HTTP. */
import { describe, expect, it } from "vitest";
import { saying } from "../support/service/saying.ts";
import { openUserApi } from "../support/service/user-api.ts";
import { dynamoEngines } from "../support/stores/dynamo.ts";

const MINUTE = 60_000;
interface ThreadAnswer {
  thread_id: string;
}

describe("a lifetime of the service", () => {
  it("is that of threads that ask for none, also of those that a run makes", async () => {
    let moved = 0;
    const clock = { now: () => Date.now() + moved };
    const [engine] = dynamoEngines as [(typeof dynamoEngines)[number]];
    const user = await openUserApi(engine, { graphs: { saying }, clock, threadTtlMs: 10 * MINUTE });
    try {
      const plain = (await user.ask<ThreadAnswer>("POST", "/threads", {})).body.thread_id;
      const longer = (await user.ask<ThreadAnswer>("POST", "/threads", { ttl: 60 })).body.thread_id;
      const asked = { assistant_id: "saying", input: { said: [] } };
      const made = crypto.randomUUID();
      await user.ask("POST", `/threads/${made}/runs/wait`, { ...asked, if_not_exists: "create" });
      const kept = await user.ask<{ thread_id: string }>("POST", "/runs", { ...asked, on_completion: "keep" });
      const all = [plain, longer, made, kept.body.thread_id];
      const statuses = () => Promise.all(all.map(async (id) => (await user.ask("GET", `/threads/${id}`)).status));
      await expect
        .poll(async () => (await user.ask<{ status: string }>("GET", `/threads/${all[3]}`)).body.status)
        .toBe("idle");
      expect(await statuses()).toEqual([200, 200, 200, 200]);
      moved += 11 * MINUTE;
      expect(await statuses()).toEqual([404, 200, 404, 404]);
    } finally {
      await user.close();
    }
  });
});
