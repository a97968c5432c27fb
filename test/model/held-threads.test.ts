/**
 * Threads whose leases two processes take in turn: whoever takes a lease reads the same as a process that knows nothing, whatever it has in
 * memory and whatever was lost, landed late, was rolled back, deleted or expired before. A turn after a turn of the same process reads nothing.
 */
import type { Checkpoint } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver, incarnationConfig } from "@tenure/core/checkpoint";
import fc from "fast-check";
import { expect, it } from "vitest";
import { sized } from "../support/runner/size.ts";
import { type Command, MemoryTable } from "../support/stores/memory-table/table.ts";

/** The fate of a write: it is carried out now, later, or never, and its sender hears of it or not. */
const fate = fc.constantFrom(...Array<string>(15).fill("done"), "unanswered", "late", "lost");
const action = fc.oneof(
  { weight: 9, arbitrary: fc.record({ kind: fc.constant("take" as const), process: fc.constantFrom(0, 0, 0, 1) }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant("put" as const), fate, back: fc.constantFrom(0, 0, 0, 1, 3) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("write" as const), fate, back: fc.constantFrom(0, 0, 1) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom("roll back", "put again", "land", "put without a lease") }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait" as const), lifetimes: fc.constantFrom(0.6, 1) }) },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

const TTL_MS = 1000;
const isWrite = ({ constructor: { name } }: Command) => !/^(?:Get|Query|Scan)/.test(name);

class Process {
  readonly saver: DynamoDBSaver;
  fate: string | undefined = "done";
  sent = 0;

  constructor(table: MemoryTable, late: (() => unknown)[], clock: { now: () => number }) {
    const send = async (command: Command) => {
      const answer = () => table.execute(command);
      // Not those for the table's format, once for each client.
      if ((command.input as { Key?: { pk: string } }).Key?.pk === "tenure") return answer();
      this.sent += 1;
      if (!isWrite(command) || this.fate === "done") return answer();
      if (this.fate === "late") late.push(answer);
      if (this.fate === "unanswered") answer();
      throw new Error("no answer");
    };
    const client = new (class DynamoDBDocumentClient {
      send = send;
    })();
    this.saver = new DynamoDBSaver({
      ...{ client: client as never, tableName: "held", ttlMs: TTL_MS, clock },
      metadataOf: ({ configurable }) => ({ run_id: configurable?.run_id }),
    });
  }
}

/** A request that lands late may meet an item that fails its condition, and nobody hears of it. */
function landed(landing: () => unknown): void {
  try {
    landing();
  } catch (error) {
    if ((error as Error).name !== "ConditionalCheckFailedException") throw error;
  }
}

async function live(actions: readonly Action[]): Promise<{ read: number; remembered: number }> {
  let [now, ids, lives, runs] = [1_000_000, 0, 0, 0];
  const clock = { now: () => now };
  const table = new MemoryTable();
  const late: (() => unknown)[] = [];
  const processes = [new Process(table, late, clock), new Process(table, late, clock)];
  let life = { id: "life 0", undone: [] as string[], fence: 0 };
  let holder: { by: Process; number: number; run: string } | undefined;
  let known: string[] = [];
  const told = { read: 0, remembered: 0 };
  const at = (checkpoint_id?: string, leased = true) => {
    const { fence, ...rest } = life;
    const incarnation = incarnationConfig({ ...rest, undone: [...rest.undone], ...(leased && { fence }) });
    const run_id = holder?.run;
    return {
      configurable: {
        thread_id: "t",
        checkpoint_ns: "",
        run_id,
        ...incarnation,
        ...(checkpoint_id && { checkpoint_id }),
      },
    };
  };
  const readBy = async ({ saver }: Process) => {
    const { checkpoint, metadata, pendingWrites, parentConfig } = (await saver.getTuple(at())) ?? {};
    return { checkpoint, metadata, pendingWrites, parent: parentConfig?.configurable?.checkpoint_id };
  };
  const look = async () => {
    if (!holder) return;
    const sent = holder.by.sent;
    const found = await readBy(holder.by);
    told[holder.by.sent > sent ? "read" : "remembered"] += 1;
    expect(found).toEqual(await readBy(new Process(table, late, clock)));
  };
  const write = async (name: string | undefined, work: (saver: DynamoDBSaver) => Promise<unknown>) => {
    const { by } = holder as { by: Process };
    by.fate = name;
    await work(by.saver).catch(() => {});
    by.fate = "done";
  };
  const put = async (id: string, parent: string | undefined, name: string, leased = true) => {
    const checkpoint: Checkpoint = {
      ...{ v: 4, id, ts: "", channel_values: { messages: [`by ${id}`, name] } },
      ...{ channel_versions: { messages: 1 }, versions_seen: {} },
    };
    await write(name, (saver) =>
      saver.put(at(parent, leased), checkpoint, { source: "loop", step: 0, parents: {} }, { messages: 1 }),
    );
    if (!known.includes(id)) known.push(id);
  };
  /** The second process' clock is ahead. */
  const newId = () => `${holder?.number === 1 ? "8" : "5"}-${String(ids++).padStart(4, "0")}`;
  for (const one of actions) {
    if (one.kind === "take") {
      life = { ...life, fence: life.fence + 1 };
      holder = { by: processes[one.process] as Process, number: one.process, run: `run ${runs++}` };
      await look();
    } else if (one.kind === "land") for (const landing of late.splice(0)) landed(landing);
    else if (one.kind === "wait") now += TTL_MS * one.lifetimes;
    else if (one.kind === "delete") {
      await (processes[ids % 2] as Process).saver.eraseThread("t");
      life = { id: `life ${++lives}`, undone: [], fence: 0 };
      [holder, known] = [undefined, []];
    } else if (!holder) continue;
    else if (one.kind === "put") await put(newId(), known.at(-1 - one.back), one.fate);
    else if (one.kind === "put again") await put(known.at(-1) ?? newId(), known.at(-1), "done");
    else if (one.kind === "put without a lease") await put(newId(), known.at(-1), "done", false);
    else if (one.kind === "write") {
      const id = known.at(-1 - one.back);
      if (id) await write(one.fate, (saver) => saver.putWrites(at(id), [["messages", one.fate]], `task ${runs}`));
    } else if (one.kind === "roll back") {
      const { run } = holder;
      life = { ...life, undone: [...life.undone, run] };
      await write("done", (saver) => saver.eraseRun("t", run));
      holder = undefined;
    }
  }
  return told;
}

it("is read the same by the lease's holder as by a process that knows nothing", async () => {
  const told = { read: 0, remembered: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 40 }), async (actions) => {
      const { read, remembered } = await live(actions);
      told.read += read;
      told.remembered += remembered;
    }),
    { numRuns: sized(200, 10_000), seed: 2026 },
  );
  // Either way is gone often.
  expect(Math.min(told.read, told.remembered)).toBeGreaterThan(50);
});
