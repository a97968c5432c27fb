/** A run's clients: who watches, who comes back, who waits, and who goes away. */
import { afterAll, describe, expect, it } from "vitest";
import { rawEvents, type SlowValues, startPair, turn } from "../engines/api-processes.ts";

const contents = (values: SlowValues) => values.messages.map(({ content }) => content);

const { stores, one, token, client, elsewhere, newThread, close } = await startPair();
afterAll(close);

describe("a run", () => {
  const events = (path: string, options: Parameters<typeof rawEvents>[2]) =>
    rawEvents(`${one.apiUrl}${path}`, token, options);

  it("gives a client that was cut off at any event the rest of them, once each, here and elsewhere", async () => {
    const threadId = await newThread();
    const body = { assistant_id: "slow", stream_mode: ["values", "updates"], ...turn(4, 30) };
    const { found, response } = await events(`/threads/${threadId}/runs/stream`, { body });
    const place = response.headers.get("content-location") ?? "";
    expect(response.headers.get("location")).toBe(`${place}/stream`);
    expect(found.map(({ id }) => Number(id))).toEqual(found.map((_, i) => i));
    expect(found[0]).toMatchObject({ event: "metadata", data: expect.stringContaining('"attempt":1') });
    for (let cut = 0; cut <= found.length; cut++) {
      const { found: rest } = await events(`${place}/stream`, { headers: { "Last-Event-ID": String(cut - 1) } });
      expect(rest).toEqual(found.slice(cut));
    }
    const again = [];
    for await (const event of elsewhere.runs.joinStream(threadId, place.split("/").at(-1) ?? "", { lastEventId: "-1" }))
      again.push(event);
    expect(again.map(({ event }) => event)).toEqual(found.map(({ event }) => event));
  });

  it("goes on when its client is reset in the middle, who gets the rest later", { timeout: 60_000 }, async () => {
    for (let cut = 1; cut <= 7; cut += 2) {
      const threadId = await newThread();
      const body = { assistant_id: "slow", stream_mode: "updates", ...turn(6, 60) };
      const { found, response } = await events(`/threads/${threadId}/runs/stream`, { body, upTo: cut });
      const place = response.headers.get("content-location") ?? "";
      const last = found.at(-1)?.id ?? "-1";
      const { found: rest } = await events(`${place}/stream`, { headers: { "Last-Event-ID": last } });
      const all = [...found, ...rest];
      expect(all.map(({ id }) => Number(id))).toEqual(all.map((_, i) => i));
      expect(all).toHaveLength(8);
      expect((await client.threads.getState(threadId)).values.taken).toBe(6);
    }
  });

  it("is watched from another process while it is under way", async () => {
    const threadId = await newThread();
    const run = await client.runs.create(threadId, "slow", { ...turn(5, 100), streamMode: "updates" });
    const seen: string[] = [];
    for await (const { event } of elsewhere.runs.joinStream(threadId, run.run_id, { lastEventId: "-1" }))
      seen.push(event);
    expect(seen).toEqual(["metadata", ...Array(6).fill("updates")]);
    expect(await elsewhere.runs.get(threadId, run.run_id)).toMatchObject({ status: "success" });
    expect(await elsewhere.threads.get(threadId)).toMatchObject({ status: "idle" });
  });

  it("is waited for, joined, listed, read and deleted", async () => {
    const threadId = await newThread();
    const values = (await client.runs.wait(threadId, "slow", turn(2, 10))) as unknown as SlowValues;
    expect(contents(values)).toEqual(["go", "step 0", "step 1"]);
    const run = await client.runs.create(threadId, "slow", turn(1, 10, "more"));
    expect(run).toMatchObject({ status: expect.stringMatching(/pending|running/), thread_id: threadId });
    expect(contents((await elsewhere.runs.join(threadId, run.run_id)) as unknown as SlowValues).slice(-2)).toEqual([
      "more",
      "step 0",
    ]);
    const listed = await client.runs.list(threadId);
    expect(listed.map(({ status }) => status)).toEqual(["success", "success"]);
    expect(listed[0]?.run_id).toBe(run.run_id);
    await client.runs.delete(threadId, run.run_id);
    await expect(client.runs.get(threadId, run.run_id)).rejects.toMatchObject({ status: 404 });
    expect(await client.runs.list(threadId)).toHaveLength(1);
  });

  it("is cancelled with its client, if the client asked for that, and not otherwise", async () => {
    for (const on_disconnect of ["cancel", "continue"]) {
      const threadId = await newThread();
      const body = { assistant_id: "slow", stream_mode: "updates", on_disconnect, ...turn(8, 100) };
      const { response } = await events(`/threads/${threadId}/runs/stream`, { body, upTo: 2 });
      const run = await one.runner.ended(threadId, response.headers.get("content-location")?.split("/").at(-1) ?? "");
      expect(run?.status).toBe(on_disconnect === "cancel" ? "interrupted" : "success");
    }
  });

  it("keeps its state when Redis goes away, tells its own client, and others that it cannot be watched", async () => {
    const threadId = await newThread();
    const response = await fetch(`${one.apiUrl}/threads/${threadId}/runs/stream`, {
      method: "POST",
      headers: { "x-api-key": token },
      body: JSON.stringify({ assistant_id: "slow", stream_mode: "updates", ...turn(6, 150) }),
    });
    const reading = response.text();
    await new Promise((resolve) => setTimeout(resolve, 300));
    stores.redis.away = true;
    const text = await reading;
    expect(text.match(/^event: updates$/gm)).toHaveLength(7);
    expect(text).toContain(": the events of this run are not kept at the moment");
    expect(
      (await one.request("GET", `${response.headers.get("location")}`, { headers: { "x-api-key": token } })).status,
    ).toBe(503);
    stores.redis.away = false;
    expect((await client.threads.getState(threadId)).values.taken).toBe(6);
    expect(await client.threads.get(threadId)).toMatchObject({ status: "idle" });
  });

  it("costs few commands of Redis", async () => {
    const threadId = await newThread();
    const before = stores.redis.commands;
    const started = performance.now();
    for await (const _ of client.runs.stream(threadId, "slow", {
      ...turn(150, 10),
      streamMode: ["values", "updates", "debug"],
      config: { recursion_limit: 500 },
    }));
    const seconds = (performance.now() - started) / 1000;
    expect((stores.redis.commands - before) / seconds).toBeLessThan(20);
  });
});
