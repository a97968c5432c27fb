/** The log of a run's events, over every engine behind the gateway: what was appended is read whole, and its tails are there once. */
import { randomUUID } from "node:crypto";
import { createEventLog, type EventLog, firstEventOf, type NewEvent } from "@tenure/core/events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Feed } from "../../packages/functions/src/agent/runs/execution/feed.ts";
import { Starts } from "../../packages/functions/src/agent/runs/execution/starts.ts";
import { randomOf } from "../support/random.ts";
import { type Behind, behindGateway, redisEngines } from "../support/stores/redis.ts";

const REDIS_DATABASE = 13;
const METADATA = `{"langgraph_node":"model","tags":["${"x".repeat(500)}"]}]`;

describe.each(redisEngines(REDIS_DATABASE))("events on $name", ({ open }) => {
  let behind: Behind;
  beforeAll(async () => {
    behind = await behindGateway(await open());
  });
  afterAll(() => behind.close());

  const token = (n: number, first: number, text = METADATA): NewEvent => ({
    event: "messages",
    head: `[${n},`,
    tail: { text, first },
  });
  const whole = (n: number, text = METADATA) => `[${n},${text}`;

  function logged() {
    const log = createEventLog(behind.store);
    const runId = randomUUID();
    const append = (first: number, events: NewEvent[], { fence = 1, ended = false } = {}) =>
      log.append({ runId, fence, first, events, ended });
    const read = async (after: number, limit = 100) =>
      (await log.read(runId, after, limit))?.events.map(({ id, data }) => [id, data]);
    const stored = async () =>
      JSON.stringify(await behind.engine.send(["XRANGE", `run:{${runId}}:events`, "-", "+"])).split("langgraph_node")
        .length - 1;
    return { log, runId, append, read, stored };
  }

  it("tells events whole, whose tail it has once, however they came and from wherever they are read", async () => {
    const { append, read, stored } = logged();
    await append(0, [{ event: "metadata", head: "0" }, token(1, 1), token(2, 1)]);
    await append(3, [token(3, 1), { event: "values", head: "{}" }]);
    // A batch whose answer was lost comes once more, and with it what came since.
    await append(3, [token(3, 1), { event: "values", head: "{}" }, token(5, 1)]);
    expect(await stored()).toBe(1);
    const all = [
      [0, "0"],
      [1, whole(1)],
      [2, whole(2)],
      [3, whole(3)],
      [4, "{}"],
      [5, whole(5)],
    ];
    expect(await read(-1)).toEqual(all);
    for (const after of [0, 1, 2, 4]) expect(await read(after, 2)).toEqual(all.slice(after + 1, after + 3));
  });

  it("has a tail for each call of a model", async () => {
    const { append, read, stored } = logged();
    const other = METADATA.replace("model", "other");
    await append(0, [token(0, 0), token(1, 1, other), token(2, 0), token(3, 1, other)]);
    await append(4, [token(4, 1, other), token(5, 0)]);
    expect(await stored()).toBe(2);
    const data = [whole(0), whole(1, other), whole(2), whole(3, other), whole(4, other), whole(5)];
    expect((await read(-1))?.map(([, text]) => text)).toEqual(data);
    expect(await read(3)).toEqual([
      [4, data[4]],
      [5, data[5]],
    ]);
  });

  it("stores a tail again where its first event is gone, as after an eviction", async () => {
    const { runId, append, read, stored } = logged();
    await append(0, [token(0, 0), token(1, 0)]);
    await behind.engine.send(["DEL", `run:{${runId}}:events`]);
    await append(2, [token(2, 0), token(3, 0)]);
    expect(await read(-1)).toEqual([
      [2, whole(2)],
      [3, whole(3)],
    ]);
    expect(await stored()).toBe(1);
  });

  it("tells events whole that begin as an earlier one does, which it has once", async () => {
    const { append, read, stored } = logged();
    const state = `{"messages":["\u{1f600}langgraph_node${"é".repeat(500)}"`;
    const values = (n: number): NewEvent => ({ event: "values", start: { of: 1, text: state }, head: `,${n}]}` });
    await append(0, [{ event: "metadata", head: "0" }, { event: "values", head: `${state}]}` }, values(2)]);
    await append(3, [values(3), { event: "updates", head: "{}" }]);
    await append(3, [values(3), { event: "updates", head: "{}" }, values(5), { ...values(6), head: "" }]);
    expect(await stored()).toBe(1);
    const all = [
      [0, "0"],
      [1, `${state}]}`],
      [2, `${state},2]}`],
      [3, `${state},3]}`],
      [4, "{}"],
      [5, `${state},5]}`],
      [6, state],
    ];
    expect(await read(-1)).toEqual(all);
    for (const after of [0, 1, 2, 4, 5]) expect(await read(after, 2)).toEqual(all.slice(after + 1, after + 3));
  });

  it("adds nothing and says so where the event that one begins as is gone", async () => {
    const { runId, append, read } = logged();
    const values = (n: number): NewEvent => ({ event: "values", start: { of: 0, text: "[0" }, head: `,${n}]` });
    await append(0, [{ event: "values", head: "[0]" }, values(1)]);
    await behind.engine.send(["DEL", `run:{${runId}}:events`]);
    expect(await append(2, [token(2, 2), values(3)], { ended: true })).toBe("start-gone");
    expect(await read(-1)).toBe(undefined);
    expect(await append(2, [values(2)], { fence: 0 })).toBe("lost");
  });

  it("has all events of a feed, in batches of its size, also where the log was lost while it could not be reached", async () => {
    const log = createEventLog(behind.store);
    const runId = randomUUID();
    let isAway = false;
    const sizes: number[] = [];
    const append: EventLog["append"] = async (batch) => {
      if (isAway) throw new Error("Redis is away");
      sizes.push(batch.events.reduce((sum, { head }) => sum + head.length, 0));
      return log.append(batch);
    };
    const feed = new Feed({ log: { ...log, append }, runId, fence: 1, first: 0, onCancel: () => {} });
    const state = (n: number) => JSON.stringify({ messages: ["x".repeat(300_000), ...Array(n).fill("message")] });
    feed.append("values", { head: state(0) });
    await feed.flush();
    isAway = true;
    for (let n = 1; n < 10; n++) feed.append("values", { head: state(n) });
    await feed.flush();
    await behind.engine.send(["DEL", `run:{${runId}}:events`]);
    isAway = false;
    await feed.end();
    const page = await log.read(runId, -1, 100);
    expect(page?.ended).toBe(true);
    expect(page?.events.map(({ id, data }) => [id, data])).toEqual(
      Array.from({ length: 9 }, (_, n) => [n + 1, state(n + 1)]),
    );
    // The first time with starts, and then one state whole and the others as it begins.
    expect(sizes.length).toBe(3);
    expect(Math.max(...sizes)).toBeLessThan(2 * state(9).length);
  });

  it("tells random events as they were, however they share their texts, are batched and are read", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = randomOf(seed);
      const { append, read } = logged();
      const starts = new Starts();
      const events: NewEvent[] = [];
      let state = "x".repeat(250);
      for (let n = 0; n < 40; n++) {
        if (random(3) === 0) {
          const first = events.findIndex(({ tail }) => tail);
          events.push(token(n, first < 0 ? n : first));
          continue;
        }
        const kept = random(4) === 0 ? random(state.length) : state.length;
        state =
          state.slice(0, kept) + ["", "é", '"\u{1f600}"', "\u{1f601}".repeat(9)][random(4)] + "y".repeat(random(99));
        // A text cut within a pair of surrogates has no JSON, and is no event.
        state = Buffer.from(state).toString();
        events.push({ event: "values", ...starts.part("values", n, state) });
      }
      expect(events.some(({ start }) => start)).toBe(true);
      for (let first = 0; first < events.length; ) {
        const count = 1 + random(6);
        await append(first, events.slice(first, first + count));
        // After a lost answer a batch comes once more, and with it what came since.
        if (random(3) > 0) first += count;
      }
      const all = events.map(({ start, head, tail }, n) => [n, (start?.text ?? "") + head + (tail?.text ?? "")]);
      for (const after of [-1, random(40), random(40)])
        for (const limit of [1, 7, 100])
          expect(await read(after, limit)).toEqual(all.slice(after + 1, after + 1 + limit));
    }
  });

  it("keeps the events of another attempt apart, and refuses those of a lease that has passed", async () => {
    const { log, runId, append, read } = logged();
    await append(0, [token(0, 0)]);
    const second = firstEventOf(2);
    expect(await append(second, [token(7, second)], { fence: 2, ended: true })).toBe(undefined);
    expect(await append(1, [token(1, 0)], { fence: 1 })).toBe("lost");
    expect(await read(-1)).toEqual([
      [0, whole(0)],
      [second, whole(7)],
    ]);
    expect((await log.read(runId, 0, 10))?.ended).toBe(true);
  });

  it("numbers events as they are, also where Lua would write an exponent", async () => {
    const { append, read } = logged();
    const expected: [number, string][] = [];
    for (const attempt of [2, 100_000, 100_001, 1_000_001]) {
      // Two events of an attempt, which share a tail, and one that is appended by itself.
      const first = firstEventOf(attempt);
      await append(first, [token(1, first), token(2, first)], { fence: attempt });
      await append(first + 2, [token(3, first)], { fence: attempt });
      for (const n of [1, 2, 3]) expected.push([first + n - 1, whole(n)]);
    }
    expect(await read(-1)).toEqual(expected);
  });

  it("is told as malformed where an entry names one that is not there, or more of it than there is", async () => {
    const { runId, read } = logged();
    const names = [
      ["as", "9-0"],
      ["from", "9-0", "take", "1"],
      ["from", "1-0", "take", "9"],
      ["from", "1-0", "take", "x"],
    ];
    await behind.engine.send(["XADD", `run:{${runId}}:events`, "1-0", "event", "values", "data", "[1]"]);
    for (const [at, fields] of names.entries()) {
      const entry = [`${at + 2}-0`, "event", "messages", "data", "[1,", ...fields];
      await behind.engine.send(["XADD", `run:{${runId}}:events`, ...entry]);
      await expect(read(at, 1)).rejects.toMatchObject({ reason: { tag: "store-unavailable", why: "malformed" } });
    }
  });

  it("reads what earlier versions have logged", async () => {
    const { runId, read } = logged();
    await behind.engine.send(["XADD", `run:{${runId}}:events`, "1-0", "event", "values", "data", "{}"]);
    expect(await read(-1)).toEqual([[0, "{}"]]);
  });
});
