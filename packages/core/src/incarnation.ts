/** A thread's incarnation lasts from its making to its deletion. Items of another incarnation than the current one are absent. */
import { randomBytes } from "node:crypto";

export interface Incarnation {
  /** Undefined for a thread that was never deleted, where nobody keeps its incarnations. */
  id?: string | undefined;
  /** Ids of the runs that were rolled back, the latest last: what they wrote is absent too. */
  undone: readonly string[];
  /**
   * The fence of the thread's lease, for those that hold it: what they put is newer than all that was there when they took it.
   * Left out by others.
   */
  fence?: number | undefined;
  /** The floor of a thread, where only the latest state of what was there before is to be seen. */
  floor?: Floor | undefined;
}

/**
 * The line below which only the latest state of a thread is seen: of the checkpoints that were put under this fence or a lower one, the newest of
 * the graph, the newest of each graph within it that has a task of that one still to do, and the newest of those that go on from run to run.
 */
export interface Floor {
  fence: number;
  /**
   * The id of the graph's newest checkpoint, once a sweep has looked, before it deletes others: what lands late is none. "" when there is none;
   * undefined while readers look themselves.
   */
  root?: string | undefined;
}

/** The number of rolled back runs of a thread that are remembered. No write of an earlier one can still be under way. */
const MAX_UNDONE = 20;

export const newIncarnationId = (): string => randomBytes(6).toString("base64url");

/** The runs that are remembered as rolled back, once `runId` is one of them. */
export const withUndone = (undone: readonly string[], runId: string): string[] =>
  [...undone.filter((one) => one !== runId), runId].slice(-MAX_UNDONE);
