/** Runs turn after turn, and notes what was spent at the turns that the tables show. */
import type { RunnableConfig } from "@langchain/core/runnables";

export interface Mark {
  turn: number;
  /** Undefined where it has no meaning for the store. */
  writeUnits?: number;
  requests?: number;
  bytes: number;
}

export interface Growth {
  name: string;
  marks: Mark[];
  /** Turn and message of the error that ended it. */
  broke?: { turn: number; message: string };
}

export type Durability = "async" | "exit";
export type Graph = {
  invoke(input: never, config: RunnableConfig & { durability: Durability }): Promise<unknown>;
};

export interface Run {
  name: string;
  graph: Graph;
  /** The input of a turn, from 1 on. */
  ask: (turn: number) => unknown;
  turns: number;
  durability?: Durability;
  measure: () => Omit<Mark, "turn">;
  /** Called after each turn; what it spends shows in later marks. */
  after?: (turn: number) => Promise<void>;
  say: (text: string) => void;
}

export const THREAD = "5f0c0a52-6f0e-4b67-a43b-3e6a43c3b8a1";
const MARKS = [25, 50, 100, 200, 400, 800, 1600, 3200];

export async function grow(run: Run): Promise<Growth> {
  const { name, graph, turns, durability = "async", say } = run;
  const growth: Growth = { name, marks: [] };
  const started = performance.now();
  for (let turn = 1; turn <= turns; turn++) {
    try {
      await graph.invoke(run.ask(turn) as never, { configurable: { thread_id: THREAD }, durability });
    } catch (error) {
      growth.broke = { turn, message: String((error as Error).message).split("\n")[0] ?? "" };
      say(`${name}: broke at turn ${turn}: ${growth.broke.message}`);
      break;
    }
    if (MARKS.includes(turn) || turn === turns) {
      growth.marks.push({ turn, ...run.measure() });
      say(`${name}: turn ${turn} of ${turns}, ${((performance.now() - started) / turn).toFixed(1)} ms a turn`);
    }
    await run.after?.(turn);
  }
  return growth;
}

/** The exponent of the last doubling: 1 is linear, 2 quadratic. Undefined when nothing was doubled. */
export function slope({ marks }: Growth, of: "writeUnits" | "bytes"): number | undefined {
  const last = marks.at(-1);
  const half = marks.find(({ turn }) => turn * 2 === last?.turn);
  const [from, to] = [half?.[of], last?.[of]];
  return from && to ? Math.log2(to / from) : undefined;
}

export const at = (growth: Growth, turn: number): Mark | undefined => growth.marks.find((mark) => mark.turn === turn);
