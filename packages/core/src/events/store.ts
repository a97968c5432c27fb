/** What a run's client is told, one event after the other, as it is sent. `id` counts from 0. */
export interface LoggedEvent {
  id: number;
  event: string;
  /** JSON. */
  data: string;
}

export type CancelAction = "interrupt" | "rollback";

export interface EventPage {
  events: LoggedEvent[];
  /** Whether the run has ended and these are its last. */
  ended: boolean;
}

export interface EventBatch {
  runId: string;
  fence: number;
  first: number;
  events: Omit<LoggedEvent, "id">[];
  ended: boolean;
}

/**
 * The events of runs on Redis Streams, kept for a while. Every method is one command and throws `store-unavailable`
 * when Redis does not answer in time.
 */
export interface EventLog {
  /**
   * Takes the log for the holder of a lease with this fence, and says how many events there are: the number of the next
   * one. From then on nobody with a lower fence adds any. Idempotent.
   */
  open(runId: string, fence: number): Promise<number>;

  /**
   * Adds events, the first of which has the number `first`, and with `ended` the end of the log. Answers with what
   * somebody wants done with the run, or "lost" when a holder with a higher fence has the log, and then nothing is added.
   * Idempotent: what is there already is not added again, so after an unknown outcome repeat it.
   */
  append(batch: EventBatch): Promise<CancelAction | "lost" | undefined>;

  /** The events after number `after` (-1 for all), at most `limit`. Undefined when there is no log, or none any more. */
  read(runId: string, after: number, limit: number): Promise<EventPage | undefined>;

  /** Tells whoever appends next that the run is to be cancelled. Idempotent. */
  requestCancel(runId: string, action: CancelAction): Promise<void>;

  /** Idempotent. */
  remove(runId: string): Promise<void>;
}
