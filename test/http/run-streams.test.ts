/** A run's clients: who watches, who comes back, who waits, and who goes away. */
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { type GatedValues, RawStream, rawEvents, startPair } from "../support/service/api-processes.ts";
import { said, turn } from "../support/service/gated-graph.ts";

const contents = (values: GatedValues) => values.messages.map(({ content }) => content);

const { stores, one, token, client, elsewhere, newThread, close } = await startPair();
afterAll(close);
afterEach(() => {
  vi.restoreAllMocks();
});

describe("a run", () => {
  const events = (path: string, options: Parameters<typeof rawEvents>[2]) =>
    rawEvents(`${one.apiUrl}${path}`, token, options);

  it("gives a client that was cut off at any event the rest of them, once each, here and elsewhere", async () => {
    const threadId = await newThread();
    const body = { assistant_id: "gated", stream_mode: ["values", "updates"], ...turn(4) };
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

  it("goes on when its client is reset in the middle, who gets the rest later", async () => {
    // The first two events are there before the first step.
    for (const cut of [1, 4, 7]) {
      const [threadId, gate] = [await newThread(), stores.newGate()];
      gate.open(...Array.from({ length: Math.max(0, cut - 2) }, (_, step) => step));
      const body = { assistant_id: "gated", stream_mode: "updates", ...turn(6, { gate }) };
      const over = one.answered(`/threads/${threadId}/runs/stream`);
      const { found, response } = await events(`/threads/${threadId}/runs/stream`, { body, upTo: cut });
      await over;
      gate.open();
      const place = response.headers.get("content-location") ?? "";
      const last = found.at(-1)?.id ?? "-1";
      const { found: rest } = await events(`${place}/stream`, { headers: { "Last-Event-ID": last } });
      const all = [...found, ...rest];
      expect(all.map(({ id }) => Number(id))).toEqual(all.map((_, i) => i));
      expect([found.length, all.length]).toEqual([cut, 8]);
      expect((await client.threads.getState(threadId)).values.taken).toBe(6);
    }
  });

  it("is watched from another process while it is under way", async () => {
    const [threadId, gate] = [await newThread(), stores.newGate()];
    const run = await client.runs.create(threadId, "gated", { ...turn(2, { gate }), streamMode: "updates" });
    const seen: string[] = [];
    for await (const { event } of elsewhere.runs.joinStream(threadId, run.run_id, { lastEventId: "-1" })) {
      seen.push(event);
      // Each step waits until the one before it was seen there.
      if (event === "updates") gate.open(seen.length - 2);
    }
    expect(seen).toEqual(["metadata", ...Array(3).fill("updates")]);
    expect(await elsewhere.runs.get(threadId, run.run_id)).toMatchObject({ status: "success" });
    expect(await elsewhere.threads.get(threadId)).toMatchObject({ status: "idle" });
  });

  it("is waited for, joined, listed, read and deleted", async () => {
    const threadId = await newThread();
    const values = (await client.runs.wait(threadId, "gated", turn(2))) as unknown as GatedValues;
    expect(contents(values)).toEqual(said(2));
    const gate = stores.newGate();
    const run = await client.runs.create(threadId, "gated", turn(1, { content: "more", gate }));
    expect(run).toMatchObject({ status: expect.stringMatching(/pending|running/), thread_id: threadId });
    const joined = elsewhere.runs.join(threadId, run.run_id);
    await gate.reached(0);
    expect(await elsewhere.runs.get(threadId, run.run_id)).toMatchObject({ status: "running" });
    gate.open();
    expect(contents((await joined) as unknown as GatedValues)).toEqual([...said(2), ...said(1, "more")]);
    const listed = await client.runs.list(threadId);
    expect(listed.map(({ status }) => status)).toEqual(["success", "success"]);
    expect(listed[0]?.run_id).toBe(run.run_id);
    await client.runs.delete(threadId, run.run_id);
    await expect(client.runs.get(threadId, run.run_id)).rejects.toMatchObject({ status: 404 });
    expect(await client.runs.list(threadId)).toHaveLength(1);
  });

  it.each([
    ["cancel", "interrupted"],
    ["continue", "success"],
  ])("whose client goes away: %s", async (on_disconnect, status) => {
    const [threadId, gate] = [await newThread(), stores.newGate()];
    const cancel = vi.spyOn(one.runner, "cancel");
    const body = { assistant_id: "gated", stream_mode: "updates", on_disconnect, ...turn(4, { gate }) };
    const over = one.answered(`/threads/${threadId}/runs/stream`);
    const { response } = await events(`/threads/${threadId}/runs/stream`, { body, upTo: 2 });
    await over;
    // Nobody opens the gate of the one that is to be cancelled.
    if (on_disconnect === "continue") gate.open();
    const run = await one.runner.ended(threadId, response.headers.get("content-location")?.split("/").at(-1) ?? "");
    expect([run?.status, cancel.mock.calls.length]).toEqual([status, on_disconnect === "cancel" ? 1 : 0]);
    cancel.mockRestore();
  });

  it("costs the same commands of Redis however long it is, besides one for each batch of its events", async () => {
    const append = vi.spyOn(one.deps.events, "append");
    const cost = async (steps: number) => {
      const threadId = await newThread();
      append.mockClear();
      const before = stores.redis.commands;
      const stream_mode = ["values", "updates", "debug"];
      const body = { assistant_id: "gated", stream_mode, config: { recursion_limit: 100 }, ...turn(steps) };
      const { found } = await events(`/threads/${threadId}/runs/stream`, { body });
      const batches = append.mock.calls.map(([batch]) => batch.events.length);
      return { events: found.length, batches, others: stores.redis.commands - before - batches.length };
    };
    // Redis has its scripts from then on.
    await cost(1);
    const [short, long] = [await cost(1), await cost(30)];
    append.mockRestore();
    expect(long.events).toBeGreaterThan(short.events);
    expect(long.others).toBe(short.others);
    for (const { events, batches } of [short, long]) expect(batches.reduce((sum, n) => sum + n, 0)).toBe(events);
  });

  // The last one: Redis may be given its events again some time after it.
  it("keeps its state when Redis goes away, tells its own client, and others that it cannot be watched", async () => {
    const [threadId, gate] = [await newThread(), stores.newGate()];
    const stream = await RawStream.open(`${one.apiUrl}/threads/${threadId}/runs/stream`, token, {
      body: { assistant_id: "gated", stream_mode: "updates", ...turn(4, { gate }) },
    });
    await gate.reached(0);
    stores.redis.away = true;
    gate.open(0, 1, 2);
    await stream.until(": the events of this run are not kept at the moment");
    gate.open();
    const text = await stream.rest();
    expect(text.match(/^event: updates$/gm)).toHaveLength(5);
    const location = stream.response.headers.get("location");
    expect((await one.request("GET", `${location}`, { headers: { "x-api-key": token } })).status).toBe(503);
    stores.redis.away = false;
    expect((await client.threads.getState(threadId)).values.taken).toBe(4);
    expect(await client.threads.get(threadId)).toMatchObject({ status: "idle" });
  });
});
