/**
 * The database under dynalite: a table in memory, and a journal of it on disk. A change is in the journal before it can be read, and
 * what the journal refuses is not done. An item and its entries in indexes are one change.
 */
import { createRequire } from "node:module";
import { Readable } from "node:stream";
import { type Journal, type JournalOptions, openJournal } from "../journal/journal.ts";
import { type Range, SortedTable } from "./sorted-table.ts";

type Callback = (error: Error | null, value?: unknown) => void;
/** A key with its value as JSON, or a deleted key. */
type Change = readonly [key: string, json: string | undefined];
type Action = { type: "put"; key: string; value: unknown } | { type: "del"; key: string };

/** The methods that dynalite calls on its database, all of them by name and at the time of the call. */
interface Database {
  put(key: string, value: unknown, done: Callback): void;
  get(key: string, done: Callback): void;
  del(key: string, done: Callback): void;
  batch(actions: Action[], done: Callback): void;
  createKeyStream(range?: Range): Readable;
  createValueStream(range?: Range): Readable;
}

/** A table as dynalite opens it. */
interface LevelDatabase extends Database {
  open(): Promise<void>;
  iterator(options: { valueEncoding: "utf8" }): AsyncIterable<[key: string, value: string]>;
  close(): Promise<void>;
}

interface IndexDatabase {
  put(key: string, item: unknown, done: () => void): void;
  del(key: string, done: () => void): void;
}

interface Store {
  db: LevelDatabase;
  getIndexDb(kind: string, table: string, index: string): IndexDatabase;
}

type Schema = { TableName: string } & Record<string, unknown>;

interface Dynalite {
  create(options: { path?: string | undefined; items?: ItemStore | undefined }): Store;
  updateIndexes(store: Store, table: Schema, before: unknown, item: unknown, done: () => void): void;
  getIndexActions(
    indexes: unknown,
    before: unknown,
    item: unknown,
    table: Schema,
  ): { puts: { index: string; key: string; item: unknown }[]; deletes: { index: string; key: string }[] };
}

export class ItemStore {
  private readonly table = new SortedTable();
  private journal: Journal | undefined;
  /** Changes of indexes that are waiting for the item's own. */
  private gathered: Change[] = [];
  private isGathering = false;

  /**
   * Without options nothing is kept. `initial` is what a new journal begins with. Throws `misconfigured`, as `openJournal` does.
   */
  constructor(options?: JournalOptions, initial: Iterable<Change> = []) {
    for (const change of initial) this.change(change);
    const apply = (changes: unknown) => this.apply(changes);
    // A lost change may be the end of an item as well as its beginning, and the others are as they were.
    const skip = () => {};
    if (options) this.journal = openJournal({ apply, skip, changes: () => this.changes() }, options);
  }

  close(): void {
    this.journal?.close();
    this.journal = undefined;
  }

  /** Has a database of dynalite read and write here. */
  serve(db: Database): void {
    const read = (key: string) => {
      const text = this.table.get(key);
      return text === undefined ? undefined : (JSON.parse(text) as unknown);
    };
    const methods: Database = {
      get: (key, done) => void setImmediate(() => done(null, read(key))),
      put: (key, value, done) => this.write([{ type: "put", key, value }], done),
      del: (key, done) => this.write([{ type: "del", key }], done),
      batch: (actions, done) => this.write(actions, done),
      createKeyStream: (range) => Readable.from(this.table.entries(range).map(([key]) => key)),
      createValueStream: (range) => Readable.from(parsed(this.table.entries(range))),
    };
    Object.assign(db, methods);
  }

  /** Keeps the changes that `work` makes until the next one, which is to come in the same turn, and makes them one with it. */
  joining(work: () => void, next: () => void): void {
    try {
      this.isGathering = true;
      work();
      this.isGathering = false;
      next();
    } finally {
      this.isGathering = false;
      this.gathered = [];
    }
  }

  private write(actions: Action[], done: Callback): void {
    const changes = actions.map(
      (action): Change => [action.key, action.type === "put" ? JSON.stringify(action.value) : undefined],
    );
    if (this.isGathering) return void this.gathered.push(...changes);
    const all = [...this.gathered.splice(0), ...changes];
    try {
      this.journal?.append(`[${all.map(asText).join()}]`);
    } catch (error) {
      return void setImmediate(() => done(refusal(error)));
    }
    for (const change of all) this.change(change);
    this.journal?.tidy();
    setImmediate(() => done(null));
  }

  private change([key, json]: Change): void {
    if (json === undefined) this.table.delete(key);
    else this.table.set(key, json);
  }

  private apply(changes: unknown): void {
    if (!Array.isArray(changes) || !changes.every(isChange)) throw new Error("no list of changes");
    for (const [key, value] of changes) this.change([key, JSON.stringify(value)]);
  }

  private *changes(): Generator<string> {
    for (const entry of this.table.entries()) yield `[${asText(entry)}]`;
  }
}

function* parsed(entries: readonly (readonly [string, string])[]): Generator<unknown> {
  for (const [, json] of entries) yield JSON.parse(json);
}

const asText = ([key, json]: Change): string => `[${JSON.stringify(key)}${json === undefined ? "" : `,${json}`}]`;
const isChange = (one: unknown): one is [string, unknown?] =>
  Array.isArray(one) && typeof one[0] === "string" && (one.length === 1 || (one.length === 2 && isObject(one[1])));
const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;

/** An answer that no client sends again by itself. Of a batch, other parts may have been done. */
function refusal(error: unknown): Error {
  const message = `${error instanceof Error ? error.message : String(error)}: nothing was changed`;
  const body = { __type: "com.amazonaws.dynamodb.v20120810#StorageFullException", message };
  return Object.assign(new Error(message), { statusCode: 400, body });
}

const dynalite = createRequire(import.meta.url)("dynalite/db/index.js") as Dynalite;
export const createLevelStore = dynalite.create;
const served = new WeakMap<Database, ItemStore>();

// dynalite looks both functions up on this module when it calls them.
dynalite.create = ({ items, ...options }) => {
  const store = createLevelStore(options);
  if (!items) return store;
  items.serve(store.db);
  served.set(store.db, items);
  return store;
};

const updateIndexes = dynalite.updateIndexes;
dynalite.updateIndexes = (store, table, before, item, done) => {
  const items = served.get(store.db);
  if (!items) return updateIndexes(store, table, before, item, done);
  items.joining(() => {
    for (const kind of ["Local", "Global"]) {
      const actions = dynalite.getIndexActions(table[`${kind}SecondaryIndexes`] ?? [], before, item, table);
      const database = (index: string) => store.getIndexDb(kind, table.TableName, index);
      for (const { index, key } of actions.deletes) database(index).del(key, () => {});
      for (const { index, key, item: entry } of actions.puts) database(index).put(key, entry, () => {});
    }
  }, done);
};
