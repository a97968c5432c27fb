/** The queue stand-in does what SQS FIFO does, and the functions' use of it is right by that. */
import type { Clock } from "@tenure/core/clock";
import { sqsWorkQueue } from "@tenure/functions/lambda/work-queue";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HeldClock } from "../support/stores/held-clock.ts";
import { FifoQueue } from "./fifo.ts";
import { Services } from "./services.ts";

const VISIBILITY_SECONDS = 20 * 60;
const TRIES = 5;
const settings = { visibilityTimeoutSeconds: VISIBILITY_SECONDS, maxReceiveCount: TRIES };

let clock: HeldClock & Clock;
beforeEach(() => {
  clock = new HeldClock();
});

describe("an SQS FIFO queue", () => {
  let queue: FifoQueue;
  let sent = 0;
  const send = (group: string, body: string, deduplicationId = String(sent++)) =>
    queue.send({ group, deduplicationId, body });
  const bodies = () => {
    const found: string[] = [];
    for (let one = queue.receive(); one; one = queue.receive()) found.push(one.body);
    return found;
  };
  beforeEach(() => {
    queue = new FifoQueue(settings, clock);
  });

  it("holds back a group while a message of it is in flight, and no other group", () => {
    send("a", "a1");
    send("a", "a2");
    send("b", "b1");
    expect(bodies()).toEqual(["a1", "b1"]);
    clock.moveBy(VISIBILITY_SECONDS * 1000 - 1);
    expect(bodies()).toEqual([]);
    clock.moveBy(1);
    expect(bodies()).toEqual(["a1", "b1"]);
  });

  it("goes on in a group when its message is deleted", () => {
    send("a", "a1");
    send("a", "a2");
    queue.delete(queue.receive()?.receiptHandle ?? "");
    expect(bodies()).toEqual(["a2"]);
    expect(queue.depth).toEqual({ inFlight: 1, waiting: 0 });
  });

  it("drops what was sent within five minutes", () => {
    const id = send("a", "a1", "same");
    expect(send("a", "a2", "same")).toBe(id);
    clock.moveBy(5 * 60 * 1000);
    expect(send("a", "a3", "same")).not.toBe(id);
    expect(queue.depth).toEqual({ inFlight: 0, waiting: 2 });
  });

  it("delivers again once the changed visibility is over, and puts aside what was received too often", () => {
    send("a", "a1");
    send("a", "a2");
    for (let receives = 1; receives <= TRIES; receives++) {
      const message = queue.receive();
      expect(message).toMatchObject({ body: "a1", receives });
      queue.changeVisibility(message?.receiptHandle ?? "", 5);
      expect(queue.receive()).toBe(undefined);
      clock.moveBy(5000);
    }
    expect(bodies()).toEqual(["a2"]);
    expect(queue.deadLetters).toEqual(["a1"]);
  });

  it("refuses receipts that have lapsed, and ids that SQS does not take", () => {
    send("a", "a1");
    const { receiptHandle = "" } = queue.receive() ?? {};
    clock.moveBy(VISIBILITY_SECONDS * 1000);
    expect(() => queue.delete(receiptHandle)).toThrow("MessageNotInflight");
    expect(() => queue.changeVisibility(receiptHandle, 5)).toThrow("MessageNotInflight");
    expect(() => send("a b", "")).toThrow("InvalidParameterValue");
    expect(() => send("a".repeat(129), "")).toThrow("InvalidParameterValue");
  });
});

describe("the run queue", () => {
  const thread = "5f0c0a52-6f0e-4b67-a43b-3e6a43c3b8a1";
  let services: Services;
  const heard: string[] = [];
  let answer: (id: string, receiptHandle: string, receives: number) => Promise<string[]>;
  const queueOf = () => sqsWorkQueue({ region: "us-east-1", url: `${services.url}/123456789012/runs.fifo` });

  beforeEach(async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
    heard.length = 0;
    answer = async () => [];
    services = await Services.start();
    const worker = ({
      Records: [record],
    }: {
      Records: {
        messageId: string;
        receiptHandle: string;
        body: string;
        attributes: { ApproximateReceiveCount: string };
      }[];
    }) => {
      if (!record) throw new Error("no record");
      heard.push(JSON.parse(record.body).threadId);
      return answer(record.messageId, record.receiptHandle, Number(record.attributes.ApproximateReceiveCount));
    };
    services.declareQueue({
      queue: new FifoQueue(settings, clock),
      name: "runs.fifo",
      worker: worker as (event: object) => Promise<string[]>,
      maximumConcurrency: 10,
    });
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await services.close();
  });

  /** Resolves to how often workers hear of a thread whose first message killed one: at once, and by what `found` sends. */
  async function heardAfterDeath(found: (threadId: string) => Promise<void>): Promise<number> {
    answer = () => Promise.reject(new Error("died"));
    await queueOf().send(thread);
    await services.delivered();
    answer = async () => [];
    await found(thread);
    await services.delivered();
    return heard.length;
  }

  it("hears of a thread whose worker has died from the next sweep, before the visibility timeout", async () => {
    expect(await heardAfterDeath((id) => queueOf().sendFound(id, "2026-11-25T10:00:00Z"))).toBe(2);
    // A client's message waits behind the dead one's.
    await queueOf().send(thread);
    expect(services.queue.depth).toEqual({ inFlight: 1, waiting: 1 });
  });

  it("would not, if a sweep's messages were in the thread's group", async () => {
    expect(await heardAfterDeath((id) => queueOf().send(id))).toBe(1);
  });

  it("hears of it from the sweep after the next when that worker has died too", async () => {
    answer = () => Promise.reject(new Error("died"));
    await queueOf().send(thread);
    for (const sweep of ["10:00", "10:01", "10:02"]) {
      await queueOf().sendFound(thread, sweep);
      await services.delivered();
    }
    expect(heard).toHaveLength(4);
  });

  it("has one message for a thread and a sweep, however often the sweep is done", async () => {
    answer = () => Promise.reject(new Error("died"));
    for (let times = 0; times < 3; times++) await queueOf().sendFound(thread, "2026-11-25T10:00:00Z");
    await services.delivered();
    expect(services.sent).toBe(3);
    expect(services.queue.depth).toEqual({ inFlight: 1, waiting: 0 });
  });

  it("delivers again after seconds what could not be begun, and less soon each time", async () => {
    answer = async (id, receiptHandle, receives) => {
      await queueOf().giveBack({ receiptHandle, receives });
      return [id];
    };
    await queueOf().send(thread);
    await services.delivered();
    for (const seconds of [5, 20, 80, 320]) {
      const before = heard.length;
      clock.moveBy(seconds * 1000 - 1);
      services.deliver();
      expect(heard.length).toBe(before);
      clock.moveBy(1);
      services.deliver();
      await services.delivered();
      expect(heard.length).toBe(before + 1);
    }
    clock.moveBy(15 * 60 * 1000);
    services.deliver();
    expect(services.queue.deadLetters).toEqual([JSON.stringify({ threadId: thread })]);
  });
});
