/**
 * Random lives of a graph, once with the checkpointer in question and once with LangGraph's MemorySaver: turns, tool-like
 * edits, interrupts and resumes in a subgraph and outside, values that come back changed or are refused, forks from any
 * checkpoint, copies and updates of state. Runs are cancelled and rolled back, and threads copied and deleted, at any moment
 * and by other processes. After each step a saver with nothing in memory reads every checkpoint, but for ids and times.
 */
import { randomUUID } from "node:crypto";
import { type BaseMessage, HumanMessage } from "@langchain/core/messages";
import { Command } from "@langchain/langgraph";
import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import fc from "fast-check";
import { type Action, build, ODD, type OddName, prose } from "./life-graph.ts";
import { copyThread, Model, type Storage, Watch } from "./life-sides.ts";

/** A thing that happens to a run at one of its moments. With `undo` the run is rolled back once nothing of it is under way. */
interface Blow {
  /** A moment is where a node begins, or, in a run whose durability is "sync", also where the saver is called. */
  moment: number;
  blow: "cancel" | "delete";
  undo: boolean;
}

export type Step =
  | { do: "turn"; action: Action; back: number; cold: boolean; durability: Durability; blow: Blow | undefined }
  | { do: "resume"; answer: string; cold: boolean; durability: Durability; blow: Blow | undefined }
  | { do: "update"; note: unknown; back: number; copy: boolean; cold: boolean }
  | { do: "rollback"; run: number }
  | { do: "delete" }
  | { do: "copy"; leave: boolean };
type Durability = "sync" | "async" | "exit";

const length = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 800 }) },
  { weight: 2, arbitrary: fc.integer({ min: 3_000, max: 30_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 90_000 }) },
);
const note = fc.oneof(
  fc.constantFrom(null, "", 0, -1.5, true, [], {}, "\u0000", "\ud83d\ude00"),
  fc.string({ unit: "grapheme", maxLength: 200 }),
  fc.record({ deep: fc.array(fc.record({ er: fc.string() }), { maxLength: 3 }) }),
);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("answer" as const), length }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("document", "bytes"), length }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("note" as const), note }) },
  { weight: 1, arbitrary: fc.constant({ kind: "fields" as const }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("field" as const), at: fc.nat(50) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("edit", "remove", "reverse"), at: fc.nat(50) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom("ask", "ask-twice", "ask-inside"), length: fc.constant(0) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "fail" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("odd" as const),
      name: fc.constantFrom(...(Object.keys(ODD) as OddName[])),
    }),
  },
);
const back = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(40) });
const cold = fc.integer({ min: 0, max: 3 }).map((n) => n === 0);
const durability = fc.constantFrom<Durability[]>("async", "async", "sync", "exit");
const blow: fc.Arbitrary<Blow | undefined> = fc.option(
  fc.record({ moment: fc.nat(12), blow: fc.constantFrom("cancel", "cancel", "delete"), undo: fc.boolean() }),
  { freq: 4, nil: undefined },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("turn" as const), action, back, cold, durability, blow }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("resume" as const), answer: fc.string(), cold, durability, blow }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("update" as const), note, back, copy: fc.boolean(), cold }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("rollback" as const), run: fc.nat(10) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("copy" as const), leave: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constantFrom({ do: "delete" as const }) },
);
export const lives: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 4, maxLength: 14, size: "max" });

/** A side: one of the two that live the life. */
class Side {
  thread: string = randomUUID();
  /** Ids of the thread's checkpoints, oldest first. */
  ids: (string | undefined)[] = [];
  private readonly storage: Storage;
  private readonly watch = new Watch();
  private onMoment: () => Promise<void> = async () => {};
  private graph: ReturnType<typeof build>;

  constructor(storage: Storage) {
    this.storage = storage;
    this.graph = this.newGraph();
  }

  renew(): void {
    this.graph = this.newGraph();
  }

  private newGraph() {
    return build(this.watch.over(this.storage.newSaver()), () => this.onMoment());
  }

  private at(back = 0): { configurable: Record<string, unknown> } {
    const id = back > 0 ? this.ids.at(-1 - (back % Math.max(1, this.ids.length))) : undefined;
    const place = { thread_id: this.thread, checkpoint_ns: "", ...(id && { checkpoint_id: id }) };
    return { configurable: { ...this.storage.configurable(this.thread), ...place } };
  }

  /** Takes the step, and says how it ended. */
  async take(one: Step, turn: number): Promise<unknown> {
    switch (one.do) {
      case "turn": {
        const input = { messages: [new HumanMessage({ id: `h${turn}`, content: prose(turn, 60) })], todo: one.action };
        return this.run(input, one, turn, one.back);
      }
      case "resume":
        return this.run(new Command({ resume: one.answer }), one, turn, 0);
      case "rollback":
        return this.storage.deleteRun(this.thread, `run-${one.run % turn}`);
      case "delete":
        return this.storage.deleteThread(this.thread);
      case "copy":
        {
          const copy = randomUUID();
          await copyThread(this.storage, this.thread, copy);
          if (one.leave) await this.storage.deleteThread(this.thread);
          this.thread = copy;
        }
        return undefined;
      default:
        return this.update(one);
    }
  }

  private async run(
    input: unknown,
    { durability, blow }: { durability: Durability; blow: Blow | undefined },
    turn: number,
    back: number,
  ): Promise<unknown> {
    const [aborting, { configurable }] = [new AbortController(), this.at(back)];
    // A thread that begins with the run does not tell yet which comes first.
    const strikes = blow?.blow === "delete" && this.ids.length === 0 ? undefined : blow;
    let [left, isDeleted] = [strikes?.moment ?? -1, false];
    const onMoment = async () => {
      if (left-- !== 0) return;
      if (strikes?.blow === "cancel") return aborting.abort();
      isDeleted = true;
      await this.storage.deleteThread(this.thread);
    };
    this.onMoment = onMoment;
    this.watch.onWrite = durability === "sync" ? onMoment : async () => {};
    const config = { durability, signal: aborting.signal, configurable: { ...configurable, run_id: `run-${turn}` } };
    let outcome: unknown;
    try {
      outcome = plain(withoutInterruptIds(await this.graph.invoke(input as never, config)));
    } catch (error) {
      outcome = told(error);
    }
    await this.watch.settled();
    this.onMoment = this.watch.onWrite = async () => {};
    if (isDeleted && this.storage instanceof Model) await this.storage.deleteThread(this.thread);
    if (aborting.signal.aborted && strikes?.undo) await this.storage.deleteRun(this.thread, `run-${turn}`);
    return aborting.signal.aborted ? "cancelled" : isDeleted ? "deleted" : outcome;
  }

  private async update(one: Extract<Step, { do: "update" }>): Promise<unknown> {
    if (this.ids.length === 0) return "nothing to update";
    try {
      if (one.copy) await this.graph.updateState(this.at(one.back), null, "__copy__");
      else await this.graph.updateState(this.at(one.back), { notes: [one.note] }, "work");
      return "updated";
    } catch (error) {
      return told(error);
    }
  }

  /** Reads the thread as a process with nothing in memory. */
  async read(): Promise<{ checkpoints: unknown[]; tuples: unknown[] }> {
    const saver = this.storage.newSaver();
    const states = [];
    for await (const state of build(saver, async () => {}).getStateHistory(this.at())) states.push(state);
    states.reverse();
    this.ids = states.map(({ config }) => config.configurable?.checkpoint_id as string | undefined);
    const checkpoints = states.map(({ values, next, tasks, metadata, parentConfig }) => ({
      values: plain(values),
      next,
      tasks: tasks.map(({ name, error, interrupts }) => ({
        name,
        error: error === undefined ? undefined : String((error as Error).message),
        interrupts: interrupts.map(({ value }) => value),
      })),
      source: metadata?.source,
      step: metadata?.step,
      parent: parentConfig ? this.ids.indexOf(parentConfig.configurable?.checkpoint_id) : undefined,
    }));
    const tuples = [];
    const { checkpoint_ns: _, ...everywhere } = this.at().configurable;
    for await (const tuple of saver.list({ configurable: everywhere })) tuples.push(shown(tuple));
    return { checkpoints, tuples: tuples.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) };
  }
}

/** A tuple of any namespace, without ids. */
function shown({ config, checkpoint, metadata, pendingWrites }: CheckpointTuple): unknown {
  return {
    namespace: String(config.configurable?.checkpoint_ns).split(":")[0],
    step: metadata?.step,
    source: metadata?.source,
    // A channel that never had a version is at its default, which a saver may leave out.
    channels: Object.keys(checkpoint.channel_values)
      .filter((name) => name in checkpoint.channel_versions)
      .sort(),
    writes: pendingWrites?.map(([, channel]) => channel).sort(),
  };
}

/** Messages as data, the rest as it is. */
const plain = ({ messages = [], ...values }: { messages?: BaseMessage[] } & Record<string, unknown>) => ({
  ...values,
  messages: messages.map((message) => message.toDict()),
});

/** The part of an error that both sides have: of several values that cannot be stored, either may be named. */
const told = (error: unknown): string => {
  const message = String((error as Error).message);
  return message.includes("cannot be stored") ? "cannot be stored" : (message.split("\n")[0] as string);
};

/** Lives one life twice, and calls `compare` with what both have after each step. */
export async function liveTwice(
  steps: Step[],
  storage: Storage,
  compare: (actual: unknown, expected: unknown, at: number) => void,
): Promise<void> {
  const sides = [new Side(storage), new Side(new Model())];
  for (const [i, one] of steps.entries()) {
    const seen = [];
    for (const side of sides) {
      if ("cold" in one && one.cold) side.renew();
      seen.push({ outcome: await side.take(one, i + 1), ...(await side.read()) });
    }
    compare(seen[0], seen[1], i);
  }
}

function withoutInterruptIds(values: Record<string, unknown>): Record<string, unknown> {
  const { __interrupt__: interrupts, ...rest } = values as { __interrupt__?: { value: unknown }[] };
  return { ...rest, ...(interrupts && { interrupts: interrupts.map(({ value }) => value) }) };
}
