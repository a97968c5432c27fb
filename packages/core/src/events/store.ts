/**
 * An event as a run's client is told it. `id` counts from 0 while the run is where it was begun
 * first, and from `firstEventOf` in each process that has it after that one: what a process has told is not known when it dies,
 * so none tells anything else by the same number.
 */
export interface LoggedEvent {
  id: number;
  event: string;
  /** JSON. */
  data: string;
}

/** More than a process can tell of one run. */
const PER_ATTEMPT = 1e9;

/** The number of the first event of an attempt, of which the first is 1. */
export const firstEventOf = (attempt: number): number => (attempt - 1) * PER_ATTEMPT;

/** The attempt that an event is of. */
export const attemptOf = (event: number): number => Math.floor(event / PER_ATTEMPT) + 1;

export type CancelAction = "interrupt" | "rollback";

export interface EventPage {
  events: LoggedEvent[];
  /** True when the run has ended and these are its last events. */
  ended: boolean;
}

/** The end of the texts of several events, which the log has once. */
export interface Tail {
  text: string;
  /** The number of the first event that ends with it. */
  first: number;
}

/** The beginning of the text of an earlier event, which has neither a tail nor a start itself: the log has it once. */
export interface Start {
  text: string;
  /** The number of that event. */
  of: number;
}

/** An event whose JSON is the start's text where there is one, then `head`, and then the tail's text where there is one; never both. */
export interface NewEvent {
  event: string;
  start?: Start | undefined;
  head: string;
  tail?: Tail | undefined;
}

export interface EventBatch {
  runId: string;
  fence: number;
  first: number;
  events: NewEvent[];
  ended: boolean;
}

/**
 * The events of runs on Redis Streams, kept for a while. Every method is one command and throws `store-unavailable`
 * when Redis does not answer in time.
 */
export interface EventLog {
  /**
   * Adds events, the first of which has the number `first`, and with `ended` the end of the log. Answers with what
   * somebody wants done with the run, or "lost" when a holder with a higher fence has the log, and then nothing is added.
   * Idempotent: what is there already is not added again, so after an unknown outcome repeat it. Tails that are there are not
   * stored again, and are looked for by their first event. "start-gone": an event that one of these begins as is not in the log, as
   * after a silence of the log's lifetime, and nothing is added; append them again without starts of events that came before them.
   */
  append(batch: EventBatch): Promise<CancelAction | "lost" | "start-gone" | undefined>;

  /** The events after number `after` (-1 for all), at most `limit`. Undefined when there is no log, or none any more. */
  read(runId: string, after: number, limit: number): Promise<EventPage | undefined>;

  /** Tells whoever appends next that the run is to be cancelled. Idempotent. */
  requestCancel(runId: string, action: CancelAction): Promise<void>;

  /** True for as long as events are kept after `remove`: a run of this id was deleted. */
  isRemoved(runId: string): Promise<boolean>;

  /** Idempotent. */
  remove(runId: string): Promise<void>;
}
