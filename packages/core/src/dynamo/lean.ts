/**
 * DynamoDB's data operations as single POSTs beside the SDK, which takes three times the processor time for each
 * (docs/decisions/035-a-lean-path-to-dynamodb.md). It takes and gives what `@aws-sdk/lib-dynamodb` does, errors included: named as
 * DynamoDB names them, with `$metadata`. Where to send a request, for which region and by whose credentials is the SDK's to say.
 *
 * Each request is tried three times at most. A try ends by its own deadline; the caller's signal, or a deadline of the whole, ends all
 * of them.
 */
import { systemClock, timeOf, toStamp } from "../clock.ts";
import { Connections, type Target } from "../connections.ts";
import { pause } from "../deadline.ts";
import type { StoreFault } from "../errors.ts";
import { type Attribute, fromAttributes, toAttributes } from "./attributes.ts";
import { faultOf, isPassing, landedPerhaps, outcomeOf } from "./faults.ts";
import { checkGuard } from "./guard.ts";
import { type Credentials, createSigner } from "./signer.ts";

export type Operation =
  | ("GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" | "Query" | "Scan" | "BatchWriteItem")
  | "DescribeTimeToLive";

/** In DynamoDB's capacity units; `retries` is how often a request was sent again. */
export interface DynamoCost {
  writeUnits: number;
  readUnits: number;
  retries: number;
}

/** Where the SDK would send a request, and for which region it would sign it. */
export interface Place {
  target: Target;
  host: string;
  region: string;
}

export interface LeanOptions {
  place: () => Promise<Place>;
  credentials: () => Promise<Credentials>;
  requestTimeoutMs: number;
  onCost?: ((cost: DynamoCost) => void) | undefined;
  onFault?: ((fault: StoreFault) => void) | undefined;
}

type Fields = Record<string, unknown>;

interface Try {
  /** When no try may go on, by `performance.now()`. */
  end: number;
  signal: AbortSignal | undefined;
}

const TRIES = 3;
const CONNECT_MS = 1000;
/** As many as the SDK opens. */
const CONNECTIONS = 50;
/** The longest pause before the second try, doubled for the third, in milliseconds. Source: the SDK's standard mode. */
const PAUSE_MS = 100;
const THROTTLED_PAUSE_MS = 500;
/** A timer of Node.js ends sooner than it was told by as much, and the time that is then left is none. */
const EARLY_MS = 2;
/** AWS refuses requests whose time is further off than this. */
const MAX_SKEW_MS = 240_000;

const READS = new Set<Operation>(["GetItem", "Query", "Scan", "DescribeTimeToLive"]);

export interface Bounds {
  /** Ends all tries when it is aborted. */
  signal?: AbortSignal | undefined;
  /** The time that all tries may take together in milliseconds, with the pauses between them. Default: what the tries may take. */
  withinMs?: number | undefined;
}

export class LeanClient {
  private readonly options: LeanOptions;
  private readonly connections = new Connections({ connectMs: CONNECT_MS, atOnce: CONNECTIONS });
  private readonly sign = createSigner();
  /** Milliseconds that the process' clock lacks, as DynamoDB's answers have told. */
  private offsetMs = 0;

  constructor(options: LeanOptions) {
    this.options = options;
  }

  async send(operation: Operation, input: Fields, bounds: Bounds = {}): Promise<Fields> {
    const { onCost, onFault } = this.options;
    const asked = onCost && operation !== "DescribeTimeToLive" ? { ...input, ReturnConsumedCapacity: "TOTAL" } : input;
    try {
      const { output, attempts } = await this.insist(operation, JSON.stringify(toWire(asked)), bounds);
      if (onCost) onCost(costOf(operation, output, attempts));
      return fromWire(output);
    } catch (error) {
      const fault = onFault && faultOf(error);
      if (fault) onFault({ operation, ...fault });
      throw error;
    }
  }

  close(): void {
    this.connections.close();
  }

  private async insist(operation: Operation, body: string, { signal, withinMs = Number.POSITIVE_INFINITY }: Bounds) {
    const end = performance.now() + withinMs;
    let mayHaveLanded = false;
    for (let attempts = 1; ; attempts++) {
      // Before each try: an answer may be late.
      if (!READS.has(operation)) checkGuard();
      try {
        return { output: await this.once(operation, body, { end, signal }), attempts };
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        const { $metadata } = error as { $metadata?: object };
        Object.assign(error, { $metadata: { ...$metadata, attempts } });
        mayHaveLanded ||= outcomeOf(error) === "unknown";
        if (mayHaveLanded) landedPerhaps(error);
        const left = end - performance.now();
        if (attempts === TRIES || !isPassing(error) || signal?.aborted || left < EARLY_MS) throw error;
        const longest = /Throttl|ProvisionedThroughput|RequestLimit/.test(error.name) ? THROTTLED_PAUSE_MS : PAUSE_MS;
        await pause(Math.min(Math.random() * longest * attempts, left), signal);
        if (signal?.aborted || end - performance.now() < EARLY_MS) throw error;
      }
    }
  }

  private async once(operation: Operation, body: string, { end, signal }: Try): Promise<Fields> {
    const { place, credentials, requestTimeoutMs } = this.options;
    const { target, host, region } = await place();
    const headers = this.sign({
      headers: { "content-type": "application/x-amz-json-1.0", host, "x-amz-target": `DynamoDB_20120810.${operation}` },
      ...{ path: target.path ?? "/", body, region, service: "dynamodb" },
      date: toStamp(systemClock.now() + this.offsetMs),
      credentials: await credentials(),
    });
    // Credentials may have taken a while.
    const deadlineMs = Math.min(requestTimeoutMs, end - performance.now());
    const answer = await this.connections.post(target, { headers, body, signal, deadlineMs }).catch((error: Error) => {
      throw broken(error, signal);
    });
    const { status } = answer;
    const output = parsed(answer.body, status);
    if (status < 300) return output;
    const error = refusal(output, status);
    if (this.correctsClock(error, answer.headers.date)) Object.assign(error, { $retryable: {} });
    throw error;
  }

  /** True when DynamoDB refused a request for its time, and the next one will have the right one. */
  private correctsClock({ name }: Error, date: unknown): boolean {
    if (!/^(?:InvalidSignature\w*|SignatureDoesNotMatch|RequestExpired|RequestTimeTooSkewed|AuthFailure)$/.test(name))
      return false;
    const offset = typeof date === "string" ? timeOf(date) - systemClock.now() : Number.NaN;
    if (!(Math.abs(offset - this.offsetMs) > MAX_SKEW_MS)) return false;
    this.offsetMs = offset;
    return true;
  }
}

/** Codes of Node.js for a connection that could not be made or broke. */
const NETWORK = /^(?:ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;

/** A connection's failure by the name under which the SDK tells it. */
function broken(error: Error, signal?: AbortSignal): Error {
  if (signal?.aborted) return Object.assign(new Error("Request aborted", { cause: error }), { name: "AbortError" });
  if (NETWORK.test((error as { code?: string }).code ?? "")) return Object.assign(error, { name: "TimeoutError" });
  return error;
}

/** A page of a proxy in the place of an answer, whatever its status, is a `SyntaxError` that may pass. */
function parsed(body: Buffer, status: number): Fields {
  try {
    const output: unknown = JSON.parse(body.toString("utf8"));
    if (typeof output === "object" && output !== null) return output as Fields;
  } catch {
    // Told below: the parser's own words repeat the page.
  }
  const error = new SyntaxError("the answer is none of DynamoDB's");
  throw Object.assign(error, { $retryable: {}, $metadata: { httpStatusCode: status } });
}

/** An error as DynamoDB names it. */
function refusal(output: Fields, httpStatusCode: number): Error {
  const { __type = "UnknownError", message, Message, Item } = output as Record<string, string | undefined>;
  const name = __type.replace(/^.*#/, "").replace(/:.*$/, "");
  const error = Object.assign(new Error(message ?? Message ?? name), { name, $metadata: { httpStatusCode } });
  return Item ? Object.assign(error, { Item }) : error;
}

/** Fields that are a record of attributes. */
const RECORDS = ["Item", "Key", "Attributes", "ExpressionAttributeValues", "ExclusiveStartKey", "LastEvaluatedKey"];

type Convert = (record: Record<string, never>) => Fields;
type Writes = Record<string, { PutRequest?: { Item: Fields }; DeleteRequest?: { Key: Fields } }[]>;

function converted(fields: Fields, convert: Convert): Fields {
  const all = { ...fields };
  for (const name of RECORDS) if (all[name]) all[name] = convert(all[name] as Record<string, never>);
  for (const name of ["RequestItems", "UnprocessedItems"])
    if (all[name])
      all[name] = Object.fromEntries(
        Object.entries(all[name] as Writes).map(([table, writes]) => [
          table,
          writes.map(({ PutRequest, DeleteRequest }) => ({
            ...(PutRequest && { PutRequest: converted(PutRequest, convert) }),
            ...(DeleteRequest && { DeleteRequest: converted(DeleteRequest, convert) }),
          })),
        ]),
      );
  if (all.Items) all.Items = (all.Items as Record<string, never>[]).map(convert);
  return all;
}

const toWire = (input: Fields): Fields => converted(input, toAttributes);
const fromWire = (output: Fields): Fields =>
  converted(output, (record: Record<string, Attribute>) => fromAttributes(record));

function costOf(operation: Operation, { ConsumedCapacity }: Fields, attempts: number): DynamoCost {
  const all = [ConsumedCapacity ?? []].flat() as { CapacityUnits?: number }[];
  const units = all.reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
  const [readUnits, writeUnits] = READS.has(operation) ? [units, 0] : [0, units];
  return { readUnits, writeUnits, retries: attempts - 1 };
}
