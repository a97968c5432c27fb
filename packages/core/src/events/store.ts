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

/**
 * The events of runs on Redis Streams, kept for a while. Every method is one command and throws `store-unavailable`
 * when Redis does not answer in time.
 */
export interface EventLog {
  /**
   * Adds events, the first of which has the number `first`, and with `ended` the end of the log; says whether somebody
   * asked to cancel the run. Idempotent: what is there already is not added again, so after an unknown outcome repeat it.
   */
  append(
    runId: string,
    first: number,
    events: Omit<LoggedEvent, "id">[],
    ended: boolean,
  ): Promise<CancelAction | undefined>;

  /** The events after number `after` (-1 for all), at most `limit`. Undefined when there is no log, or none any more. */
  read(runId: string, after: number, limit: number): Promise<EventPage | undefined>;

  /** How many events there are: the number of the next one. */
  count(runId: string): Promise<number>;

  /** Tells whoever appends next that the run is to be cancelled. Idempotent. */
  requestCancel(runId: string, action: CancelAction): Promise<void>;

  /** Idempotent. */
  remove(runId: string): Promise<void>;
}
