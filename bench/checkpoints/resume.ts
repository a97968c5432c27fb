/** The cost of going on with a thread: reading its latest checkpoint, in a new process and in the one that wrote it. */
import { deepStrictEqual } from "node:assert/strict";
import { deflateRawSync } from "node:zlib";
import type { Spent } from "./counted.ts";
import { THREAD } from "./growth.ts";
import type { OurStore } from "./stores.ts";

const READ_UNIT = 4096;

export interface Resume {
  turn: number;
  cold: Spent & { roundTrips: number };
  warm: Spent & { roundTrips: number };
  list: Spent & { roundTrips: number };
  /** Read units that the state would take, were it one deflated item. */
  stateUnits: number;
}

/** Throws when the two savers do not read the same state. */
export async function resume({ meter, saver, fresh }: OurStore, turn: number): Promise<Resume> {
  const config = { configurable: { thread_id: THREAD } };
  const states: unknown[] = [];
  const read = async (from: Pick<typeof saver, "getTuple">) => {
    states.push((await from.getTuple(config))?.checkpoint.channel_values);
  };
  const warm = await meter.during(() => read(saver));
  const cold = await meter.during(() => read(fresh() as never));
  deepStrictEqual(JSON.stringify(states[1]), JSON.stringify(states[0]));
  const list = await meter.during(async () => {
    let count = 0;
    for await (const _ of fresh().list(config, { limit: 10 })) count++;
    if (count !== 10) throw new Error(`list gave ${count} checkpoints`);
  });
  const values = Object.values(states[0] as Record<string, unknown>);
  const bytes = await Promise.all(values.map(async (value) => (await saver.serde.dumpsTyped(value))[1]));
  return { turn, cold, warm, list, stateUnits: Math.ceil(deflateRawSync(Buffer.concat(bytes)).length / READ_UNIT) };
}
