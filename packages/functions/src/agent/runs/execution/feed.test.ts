import type { EventBatch, EventLog } from "@tenure/core/events";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Feed } from "./feed.ts";

let batches: EventBatch[];
let isAway: boolean;
let feed: Feed;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  batches = [];
  isAway = false;
  const log: Pick<EventLog, "append"> = {
    async append(batch) {
      batches.push(batch);
      if (isAway) throw new Error("Redis is away");
      return undefined;
    },
  };
  feed = new Feed({ log: log as EventLog, runId: "run", fence: 1, first: 0, onCancel: () => {} });
});
afterEach(() => {
  vi.useRealTimers();
});
const numbers = (batch: EventBatch | undefined) => batch?.events.map(({ head }) => Number(head));
const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

it("logs all events of the first 200 ms with one command", async () => {
  for (let n = 0; n < 50; n++) feed.append("values", { head: String(n) });
  await vi.advanceTimersByTimeAsync(199);
  expect(batches).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(batches.map(numbers)).toEqual([upTo(0, 50)]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(batches).toHaveLength(1);
});

it("logs twice a second, however many events there are", async () => {
  for (let n = 0; n < 1000; n++) {
    feed.append("values", { head: String(n) });
    await vi.advanceTimersByTimeAsync(10);
  }
  await feed.end();
  expect(batches.length).toBeLessThanOrEqual(22);
  expect(batches.flatMap(numbers)).toEqual(upTo(0, 1000));
  expect(batches.map(({ ended }) => ended).lastIndexOf(false)).toBe(batches.length - 2);
});

it("logs once a second while the log takes nothing, and then everything, once", async () => {
  isAway = true;
  for (let n = 0; n < 500; n++) {
    feed.append("values", { head: String(n) });
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(batches.length).toBeLessThanOrEqual(6);
  isAway = false;
  batches = [];
  await vi.advanceTimersByTimeAsync(1000);
  expect(batches.map(numbers)).toEqual([upTo(0, 500)]);
  expect(batches[0]?.first).toBe(0);
});

it("tells its readers each event as soon as the graph has said it, logged or not", async () => {
  isAway = true;
  const reading = feed.read(-1, 5000);
  feed.append("metadata", { head: "0" });
  expect((await reading.next()).value).toEqual([{ id: 0, event: "metadata", data: "0" }]);
  expect(batches).toEqual([]);
  feed.lose();
});

it("names the first event that ends as others do, and tells readers each one whole", async () => {
  const reading = feed.read(-1, 5000);
  feed.append("metadata", { head: "0" });
  for (const head of ["[1,", "[2,"]) feed.append("messages", { head, tail: "7]" });
  await vi.advanceTimersByTimeAsync(200);
  feed.append("messages", { head: "[3,", tail: "7]" });
  await vi.advanceTimersByTimeAsync(500);
  const tail = { text: "7]", first: 1 };
  expect(batches.flatMap(({ events }) => events)).toEqual([
    { event: "metadata", head: "0" },
    ...["[1,", "[2,", "[3,"].map((head) => ({ event: "messages", head, tail })),
  ]);
  const told = (await reading.next()).value as { data: string }[];
  expect(told.map(({ data }) => data)).toEqual(["0", "[1,7]", "[2,7]", "[3,7]"]);
  feed.lose();
});

it("logs a long event without what it begins with as the last one did, and tells readers each one whole", async () => {
  const reading = feed.read(-1, 5000);
  const state = (end: string) => `["${"x".repeat(1000)}"${end}]`;
  for (const end of ["", ",1", ",2"]) feed.append("values", { head: state(end) });
  await vi.advanceTimersByTimeAsync(200);
  const start = { of: 0, text: state("").slice(0, -1) };
  expect(batches.flatMap(({ events }) => events)).toEqual([
    { event: "values", head: state("") },
    { event: "values", start, head: ",1]" },
    { event: "values", start: { of: 0, text: start.text }, head: ",2]" },
  ]);
  const told = (await reading.next()).value as { data: string }[];
  expect(told.map(({ data }) => data)).toEqual([state(""), state(",1"), state(",2")]);
  feed.lose();
});
