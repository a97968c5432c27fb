/**
 * The format marker: one item that names the newest storage format that anybody has written to the table. Code that does not
 * know that format refuses the table, instead of misreading it or writing over what it does not understand.
 *
 * A table without a marker is of format 1, the first. The marker is read once per client and table, before the first request,
 * and raised before the first write: reading alone changes nothing. docs/storage-format.md lists the formats.
 */
import { TenureError } from "../errors.ts";
import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from "./client.ts";
import { attempt, isConditionFailed } from "./faults.ts";

/** The storage format that this code writes. It reads this one and all before. */
export const FORMAT = 3;

/** The version of a table without a marker. */
const FIRST_FORMAT = 1;
const KEY = { pk: "tenure", sk: "format" };

/** Sends one command, with whatever retries its owner has. */
type Send = (command: GetCommand | UpdateCommand) => Promise<{ Item?: Record<string, unknown> | undefined }>;

export interface FormatOptions {
  tableName: string;
  send: Send;
  /** For tests of an upgrade. Default `FORMAT`. */
  format?: number | undefined;
}

/**
 * The format of one table as one client knows it. Both methods throw `misconfigured`, naming both versions, when the table's
 * is newer than `format`, and `store-unavailable` with the outcome `not-applied` when DynamoDB does not answer; the next call
 * then asks again.
 */
export class Format {
  private readonly tableName: string;
  private readonly send: Send;
  private readonly own: number;
  private known: Promise<number> | undefined;
  private marked: Promise<void> | undefined;

  constructor({ tableName, send, format = FORMAT }: FormatOptions) {
    this.tableName = tableName;
    this.send = send;
    this.own = format;
  }

  /** Resolves when this code can read the table. One read, once. */
  async check(): Promise<void> {
    this.known ??= this.read().catch((error: unknown) => {
      if (!isRefusal(error)) this.known = undefined;
      throw error;
    });
    await this.known;
  }

  /** Resolves when this code can read the table, and code of an earlier format no longer does. One write in a table's life. */
  async mark(): Promise<void> {
    await this.check();
    this.marked ??= this.raise().catch((error: unknown) => {
      if (!isRefusal(error)) this.marked = undefined;
      throw error;
    });
    await this.marked;
  }

  /** Resolves to the marker's version, 0 when there is no marker. */
  private async read(): Promise<number> {
    const { Item } = await notApplied(
      this.send(new GetCommand({ TableName: this.tableName, Key: KEY, ConsistentRead: true })),
    );
    const found = Item === undefined ? 0 : Item.version;
    if (typeof found !== "number")
      throw new TenureError({ tag: "store-corrupt", store: "dynamodb", what: "the format marker" });
    if (Math.max(found, FIRST_FORMAT) > this.own)
      throw new TenureError({
        tag: "misconfigured",
        problems: [
          `the stored data is of format ${found}, and this version of Tenure knows formats up to ${this.own}: run a version that knows format ${found}`,
        ],
      });
    return found;
  }

  private async raise(): Promise<void> {
    if ((await this.known) === this.own) return;
    const command = new UpdateCommand({
      TableName: this.tableName,
      Key: KEY,
      UpdateExpression: "SET #version = :own",
      ConditionExpression: "attribute_not_exists(#version) OR #version < :own",
      ExpressionAttributeNames: { "#version": "version" },
      ExpressionAttributeValues: { ":own": this.own },
    });
    try {
      await notApplied(this.send(command));
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      // Another process has raised it since: as far as this one, or further.
      await this.read();
    }
  }
}

const isRefusal = (error: unknown): boolean => error instanceof TenureError && error.reason.tag === "misconfigured";

/** The request that waits for the format was not sent, whatever is known of the marker's own. */
async function notApplied<T>(request: Promise<T>): Promise<T> {
  try {
    return await attempt(request);
  } catch (error) {
    if (!(error instanceof TenureError) || error.reason.tag !== "store-unavailable") throw error;
    throw new TenureError({ ...error.reason, outcome: "not-applied" }, { cause: error.cause });
  }
}

const formats = new WeakMap<DynamoDBDocumentClient, Map<string, Format>>();

/** The one `Format` of a client and a table, however many ask for it. */
export function formatOf(client: DynamoDBDocumentClient, options: FormatOptions): Format {
  const ofClient = formats.get(client) ?? new Map<string, Format>();
  formats.set(client, ofClient);
  const found = ofClient.get(options.tableName) ?? new Format(options);
  ofClient.set(options.tableName, found);
  return found;
}

/** Throws `misconfigured` when the table's storage format is newer than what this code knows. For a program that starts. */
export const checkFormat = (client: DynamoDBDocumentClient, tableName: string): Promise<void> =>
  formatOf(client, { tableName, send: (command) => client.send(command as GetCommand) }).check();
