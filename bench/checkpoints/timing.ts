/** The time of a turn with our saver and with MemorySaver, in alternating blocks, on a store that answers at once. */
import { type BaseCheckpointSaver, MemorySaver } from "@langchain/langgraph";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import type { Graph } from "./growth.ts";
import { stubClient } from "./stub.ts";
import { ask, chat } from "./workload.ts";

export interface Time {
  /** The turns that were timed, from and to. */
  turns: [first: number, last: number];
  /** Medians, milliseconds a turn. */
  ours: number;
  memory: number;
  /** Of the blocks' own ratios. */
  ratio: number;
  lowest: number;
  highest: number;
}

interface Timed {
  graph: Graph;
  thread: string;
  after(): void;
}

const BLOCK = 4;

export async function timePerTurn(options: { around: number; blocks: number; say: (text: string) => void }) {
  const { around, blocks, say } = options;
  const first = Math.max(1, around - Math.floor((blocks * BLOCK) / 2));
  const pair = { ours: ours(), memory: memory() };
  for (const [name, timed] of Object.entries(pair)) {
    say(`time per turn around ${around}: ${name}, the ${first - 1} turns before`);
    await run(timed, 1, first - 1);
  }
  const samples: { ours: number; memory: number }[] = [];
  for (let block = 0; block < blocks; block++) {
    const from = first + block * BLOCK;
    const sample = { ours: 0, memory: 0 };
    // The saver that goes second goes first in the next block.
    const order = block % 2 === 0 ? (["ours", "memory"] as const) : (["memory", "ours"] as const);
    for (const name of order) sample[name] = (await run(pair[name], from, from + BLOCK - 1)) / BLOCK;
    samples.push(sample);
  }
  const ratios = samples.map(({ ours, memory }) => ours / memory);
  const time: Time = {
    turns: [first, first + blocks * BLOCK - 1],
    ours: median(samples.map(({ ours }) => ours)),
    memory: median(samples.map(({ memory }) => memory)),
    ratio: median(ratios),
    lowest: Math.min(...ratios),
    highest: Math.max(...ratios),
  };
  say(`time per turn around ${around}: ${time.ours.toFixed(2)} ms, MemorySaver ${time.memory.toFixed(2)} ms`);
  return time;
}

/** Milliseconds, without what `after` takes. */
async function run({ graph, thread, after }: Timed, first: number, last: number): Promise<number> {
  let spent = 0;
  for (let turn = first; turn <= last; turn++) {
    const started = performance.now();
    await graph.invoke(ask(turn) as never, { configurable: { thread_id: thread }, durability: "async" });
    spent += performance.now() - started;
    after();
  }
  return spent;
}

function ours(): Timed {
  const saver = new DynamoDBSaver({ client: stubClient(), tableName: "stub" });
  return { graph: chat(saver as unknown as BaseCheckpointSaver), thread: "ours", after() {} };
}

/** MemorySaver without its older checkpoints, which would fill the memory and charge it for collecting garbage. */
function memory(): Timed {
  const saver = new MemorySaver();
  const after = () => {
    for (const thread of Object.values(saver.storage))
      for (const checkpoints of Object.values(thread))
        for (const id of Object.keys(checkpoints).sort().slice(0, -1)) delete checkpoints[id];
    const newest = Object.keys(saver.writes).length;
    for (const key of Object.keys(saver.writes).slice(0, Math.max(0, newest - 8))) delete saver.writes[key];
  };
  return { graph: chat(saver), thread: "memory", after };
}

function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return ((sorted[middle] ?? NaN) + (sorted[sorted.length - 1 - middle] ?? NaN)) / 2;
}
