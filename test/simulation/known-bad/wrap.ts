/** How a fault is put back: by what stands around the real code. */
import type { DynamoDBDocumentClient, Table, WriteGuard } from "@tenure/core/dynamo";
import type { Deps } from "@tenure/functions/deps";
import type { Weather } from "../faults.ts";
import type { Patches } from "../service.ts";
import type { SimulatedProcess } from "../world/process.ts";

export interface KnownBad {
  name: string;
  /** A seed that has found it: a change of the code can make it another. None yet for some, which the benchmark looks for. */
  seed?: number;
  patches: Patches;
  /** The weather in which the fault is seen, where that is rare. */
  weather?: Partial<Weather>;
}

interface Update {
  Key?: { pk: string; sk: string };
  Item?: Record<string, unknown> & { pk: string; sk: string };
  RequestItems?: Record<string, { PutRequest?: { Item: Record<string, unknown> & { sk: string } } }[]>;
  UpdateExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, unknown>;
}
interface Command {
  constructor: { name: string };
  input: Update;
}
type Send = (command: Command, options?: object) => Promise<Record<string, unknown>>;

/** A client whose requests go through `change`. */
export function client(change: (command: Command, send: Send, process: SimulatedProcess) => Promise<unknown>) {
  return (own: DynamoDBDocumentClient, process: SimulatedProcess): DynamoDBDocumentClient => {
    const send: Send = (command, options) => own.send(command as never, options) as never;
    class DynamoDBDocumentClient {
      send(command: Command, options?: object): Promise<unknown> {
        return change(command, (changed) => send(changed, options), process);
      }
      destroy(): void {}
    }
    return new DynamoDBDocumentClient() as unknown as DynamoDBDocumentClient & never;
  };
}

export const threads = (change: (deps: Deps, process: SimulatedProcess) => Partial<Deps["threads"]>): Patches => ({
  deps: (deps, process) => ({ threads: { ...deps.threads, ...change(deps, process) } }),
});
export const events = (change: (deps: Deps) => Partial<Deps["events"]>): Patches => ({
  deps: (deps) => ({ events: { ...deps.events, ...change(deps) } }),
});
/** The saver is changed in place: the graphs have it already. */
export const saver = (change: (saver: Deps["checkpointer"], deps: Deps) => void): Patches => ({
  deps: (deps) => {
    change(deps.checkpointer, deps);
    return {};
  },
});

export const isThread = ({ input: { Key } }: Command) => Key?.sk === "thread";

/** The thread's record as it is stored, for a fault that looks at it with other eyes. */
export async function stored(deps: Deps, threadId: string): Promise<Record<string, unknown>> {
  return (await tableOf(deps).get({ pk: `thread#${threadId}`, sk: "thread" })) ?? {};
}

/** A guard that waits for nothing and refuses nothing. */
export const anybody: WriteGuard = { write: (write) => write(), check() {} };
export const tableOf = ({ checkpointer }: Deps): Table => (checkpointer as unknown as { table: Table }).table;
