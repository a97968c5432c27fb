/** Compares the state and the history that a saver gives of a thread with those that the oracle expects. */
import { type DynamoDBSaver, incarnationConfig } from "@tenure/core/checkpoint";
import type { Thread } from "@tenure/core/thread";
import { expect } from "vitest";
import { type ExpectedThread, historyOf } from "./thread-oracle.ts";

const configOf = ({ id, incarnation }: Thread) => ({
  thread_id: id,
  checkpoint_ns: "",
  ...incarnationConfig(incarnation),
});

export async function compareState(saver: DynamoDBSaver, thread: Thread, one: ExpectedThread): Promise<void> {
  const tuple = await saver.getTuple({ configurable: configOf(thread) });
  expect(tuple?.checkpoint.channel_values).toEqual(one.latest?.values);
}

/** Asks for all that there ever was: lists, each checkpoint by its id with its writes, the rebuilt channel, and the graphs within. */
export async function compareHistory(saver: DynamoDBSaver, thread: Thread, one: ExpectedThread): Promise<void> {
  const at = configOf(thread);
  // A channel whose value is there is not rebuilt.
  const isRebuilt = one.latest?.snapshot === false;
  const history = await saver.getDeltaChannelHistory({ config: { configurable: at }, channels: ["log"] });
  const { writes, seed } = historyOf(one.latest);
  if (isRebuilt) expect([history.log?.writes.map(([, , value]) => value), history.log?.seed]).toEqual([writes, seed]);
  const listed: string[] = [];
  for await (const { checkpoint } of saver.list({ configurable: at })) listed.unshift(checkpoint.id);
  expect(listed).toEqual(one.seen.map(({ id }) => id));
  for (const { id, values, log } of one.all) {
    const named = await saver.getTuple({ configurable: { ...at, checkpoint_id: id } });
    const isSeen = one.seen.some((seen) => seen.id === id);
    expect([id, named?.checkpoint.channel_values]).toEqual([id, isSeen ? values : undefined]);
    if (named) expect(named.pendingWrites?.map(([, , value]) => value)).toEqual(log);
  }
  for (const [namespace, all] of one.within) {
    const inner = { ...at, checkpoint_ns: namespace };
    const found: unknown[] = [];
    for await (const { checkpoint } of saver.list({ configurable: inner })) found.unshift(checkpoint.channel_values);
    expect(found).toEqual(all.map(({ values }) => values));
    const newest = await saver.getTuple({ configurable: inner });
    expect(newest?.checkpoint.channel_values).toEqual(all.at(-1)?.values);
  }
}
