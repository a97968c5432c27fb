/** The record of what users have seen of one history, for the invariants. */
import type { Cancel, Edit, Message, Remove } from "./plan.ts";

/** "acked" is a success; "refused" says that it is not to be; "unknown" that nobody knows. */
export type Result = "acked" | "refused" | "not-applied" | "unknown";

export interface Sent {
  operation: Message;
  thread: string;
  token: string;
  began: number;
  /** When its user first heard that it is admitted. */
  admitted?: number;
  /** When its last answer came; undefined while there is none. */
  ended?: number;
  result?: Result;
  run?: string;
  /** The channel `said` of the checkpoint that it forks. */
  base?: string[];
}

interface CancelSeen {
  operation: Cancel;
  run: string;
  began: number;
  ended?: number;
  result?: Result;
}

interface EditSeen {
  operation: Edit;
  thread: string;
  token: string;
  began: number;
  ended?: number;
  result?: Result;
}

interface RemoveSeen {
  operation: Remove;
  thread: string;
  began: number;
  ended?: number;
  result?: Result;
}

/** The record of what one client was told of one run. */
export interface Told {
  client: string;
  run: string;
  thread: string;
  token: string;
  graph: string;
  steps: number;
  /** True for a run on a thread that goes with it. */
  stateless: boolean;
  events: { id: number; event: string; data: string; afterWord: boolean }[];
  /** The number that it asked for events after. */
  after: number;
  /** The answer to a client that waits. */
  result?: { values?: { said?: string[] } & Record<string, unknown>; error?: unknown };
  /** True when a word on missing events came after the last event. */
  endsWithWord?: boolean;
  hasEnded: boolean;
  /** The run's status as its record has it once the client was told of the end. */
  statusThen?: string;
}

export interface Seen {
  sent: Sent[];
  cancels: CancelSeen[];
  edits: EditSeen[];
  removes: RemoveSeen[];
  told: Told[];
  /** By run, which user has approved what it does. */
  approvals: Set<string>;
  /** Answers of the service that it must never give. */
  faults: string[];
}

export const nothingSeen = (): Seen => ({
  ...{ sent: [], cancels: [], edits: [], removes: [], told: [], approvals: new Set(), faults: [] },
});
