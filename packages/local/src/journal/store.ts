/** The store that a journal is of. */
export interface JournaledStore {
  /** Takes in one change of the file. Throws when it is none. */
  apply(change: unknown): void;
  /** Hears that changes between the last one and the next one are lost, when damage is to be skipped. */
  skip(): void;
  /** Returns all that the store holds at this moment, as changes in JSON. */
  changes(): Iterable<string>;
}
