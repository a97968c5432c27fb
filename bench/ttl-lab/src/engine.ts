/** The port between the lab and a database. Instants are epoch milliseconds of this machine's clock. */
export interface Dated {
  id: string;
  deadline: number;
}

export interface Engine {
  /** Writes records that are to be over at their deadlines, as an application would with this database. */
  put(records: Dated[]): Promise<void>;
  /** A plain read: whether an application that trusts the database finds the record. */
  find(id: string): Promise<boolean>;
  /** A read that checks the deadline, by the clock of whoever does the checking: `now` where that is the client. */
  findChecked(id: string, now: number): Promise<boolean>;
  /** Resolves to the number of records that are stored, over or not; undefined where the database does not tell. */
  count(): Promise<number | undefined>;
  /** Moves a record's deadline, as an application does that keeps a session alive. */
  touch(id: string, deadline: number): Promise<void>;
  /** Removes all records. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** A row of the table: an engine with a way of expiring. */
export interface Row {
  key: string;
  name: string;
  /** The makers' statement of how late a record may be seen or gone, and where they say it. */
  promise: string;
  source: string;
  /** Not measured here by anybody yet. */
  untested?: boolean;
  /** Only in full runs: its cleaning takes a minute. */
  slow?: boolean;
  /** The most records that are put at once for the crowd; the lab's own number when left out. */
  mostAtOnce?: number;
  /** The engine, or why it is not there. */
  open(): Promise<Engine | { absent: string }>;
}

export const isAbsent = (engine: Engine | { absent: string }): engine is { absent: string } => "absent" in engine;
