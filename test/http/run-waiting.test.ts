/** A run's clients while it waits, for the run before it or for a place: what they are told, and how they hear of its end. */
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { RawStream, rawEvents, startPair } from "../support/service/api-processes.ts";
import { turn } from "../support/service/gated-graph.ts";

// A user has one of two places.
const { stores, one, token, client, elsewhere, newThread, close } = await startPair({ maxActive: 2 });
afterAll(close);
afterEach(() => {
  vi.restoreAllMocks();
});

const url = (path: string) => `${one.apiUrl}${path}`;
const update = { assistant_id: "gated", stream_mode: "updates" };
const nameOf = (event: string) => `event: ${event}`;

/** A run that holds the user's place in this process until its gate is opened, and the run that waits: behind it, or on another thread. */
async function waiting(forWhat: "its turn" | "a place") {
  const [busy, gate] = [await newThread(), stores.newGate()];
  await client.runs.create(busy, "gated", turn(1, { gate }));
  await gate.reached(0);
  const threadId = forWhat === "a place" ? await newThread() : busy;
  const body = { ...update, multitask_strategy: "enqueue", ...turn(2) };
  const stream = await RawStream.open(url(`/threads/${threadId}/runs/stream`), token, { body });
  const place = stream.response.headers.get("content-location") ?? "";
  const runId = place.split("/").at(-1) ?? "";
  await stream.until(`data: ${JSON.stringify({ run_id: runId, attempt: 1 })}\nid: 0\n\n`);
  return { threadId, runId, place, stream, gate };
}

describe.each(["its turn", "a place"] as const)("a run that waits for %s", (forWhat) => {
  it("is told of at its admission, and then as if it had not waited", async () => {
    const { threadId, runId, place, stream, gate } = await waiting(forWhat);
    expect(await client.runs.get(threadId, runId)).toMatchObject({ status: "pending" });
    gate.open();
    const text = await stream.rest();
    expect(text.match(/^(?:id|:).*$/gm)).toEqual(["id: 0", "id: 1", "id: 2", "id: 3"]);
    const again = await RawStream.open(url(`${place}/stream`), token, { headers: { "Last-Event-ID": "-1" } });
    expect(await again.rest()).toBe(text);
    const { found } = await rawEvents(url(`${place}/stream`), token, { headers: { "Last-Event-ID": "0" } });
    expect(found.map(({ id, event }) => [id, event])).toEqual(["1", "2", "3"].map((id) => [id, "updates"]));
  });

  it.each([
    ["here", () => client],
    ["in another process", () => elsewhere],
  ])("and is cancelled %s tells no more", async (_, canceller) => {
    const { threadId, runId, stream, gate } = await waiting(forWhat);
    await canceller().runs.cancel(threadId, runId);
    const text = await stream.rest();
    expect(text.match(/^event:.*$/gm)).toEqual([nameOf("metadata")]);
    expect(text).not.toContain("missing");
    gate.open();
  });

  it("asks neither Redis nor DynamoDB whenever another run begins", async () => {
    const { runId, stream, gate } = await waiting(forWhat);
    const read = vi.spyOn(one.deps.events, "read");
    const run = vi.spyOn(one.deps.threads, "run");
    const other = one.clientOf(await one.logIn(`${crypto.randomUUID()}@example.com`));
    for (let n = 0; n < 10; n++) await other.runs.wait((await other.threads.create()).thread_id, "gated", turn(1));
    const asked = () =>
      [read, run].flatMap(({ mock }) => mock.calls as unknown[][]).filter((call) => call.includes(runId));
    // The log is looked at now and then, which is not by the runs that begin.
    expect(asked().length).toBeLessThan(10);
    gate.open();
    await stream.rest();
  });
});

it("ends with its error where a process of an earlier version had it, whose first event was the error", async () => {
  const { threadId, runId, stream, gate } = await waiting("a place");
  const error = { error: "checkpoint-not-found", message: "There is no such checkpoint." };
  const begun = await one.deps.threads.begin(threadId, "a process of before");
  if (!begun || !("lease" in begun)) throw new Error("it has not begun");
  const { lease } = begun;
  await one.deps.threads.settle(lease, { status: "error", thread: "error", error, lastEvent: 0 });
  const events = [{ event: "error", head: JSON.stringify(error) }];
  await one.deps.events.append({ runId, fence: lease.fence, first: 0, events, ended: true });
  expect(await stream.rest()).toContain(`event: error\ndata: ${JSON.stringify(error)}\nid: 1\n\n`);
  gate.open();
});
