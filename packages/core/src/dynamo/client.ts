/**
 * The one importer of `@aws-sdk`. Everything that core asks of DynamoDB goes through `Table`, which says what an
 * answer means: an expired item is absent, a lost answer is `store-unavailable` with what is known of it, and a
 * batch is done when all of it is.
 */

import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import {
  BatchWriteCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { pause } from "../deadline.ts";
import { type StoreFault, TenureError } from "../errors.ts";
import { tableDefinition } from "./definition.ts";
import { checkGuard } from "./guard.ts";

export type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
export type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
export { BatchWriteCommand, DeleteCommand, GetCommand, PutCommand, QueryCommand, ScanCommand, UpdateCommand };

export interface DynamoConfig {
  /** Where DynamoDB is, for DynamoDB Local and its like; AWS' own endpoint of the region when left out. */
  endpoint?: string;
  region?: string;
  /** Fixed credentials; the SDK's usual chain when left out. */
  credentials?: { accessKeyId: string; secretAccessKey: string };
  /** The time that each try of a request may take in milliseconds, connecting included. Default 3000. */
  requestTimeoutMs?: number;
  /** Hears what each answered request has consumed; DynamoDB is asked to say so. */
  onCost?: (cost: DynamoCost) => void;
  /** Hears of each request that failed, once it is not sent again. */
  onFault?: (fault: StoreFault) => void;
}

/** In DynamoDB's capacity units; `retries` is how often a request was sent again. */
export interface DynamoCost {
  writeUnits: number;
  readUnits: number;
  retries: number;
}

/** A document client whose requests have a deadline and are tried three times at most. */
export function connectDynamo({
  requestTimeoutMs = 3000,
  onCost,
  onFault,
  ...config
}: DynamoConfig = {}): DynamoDBDocumentClient {
  const client = new DynamoDBClient({
    ...config,
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: 1000,
      requestTimeout: requestTimeoutMs,
      socketTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
    },
  });
  askGuard(client);
  noteAttempts(client);
  if (onCost) tellCosts(client, onCost);
  if (onFault) tellFaults(client, onFault);
  return asDocumentClient(client);
}

const DATA_COMMAND = /^(Get|Put|Update|Delete|Query|Scan|BatchWrite|BatchGet)/;
const READ_COMMAND = /^(Get|Query|Scan|BatchGet)/;

/** Asks before each attempt, since the client sends a request again by itself. */
function askGuard(client: DynamoDBClient): void {
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      async (args) => {
        if (!READ_COMMAND.test(commandName)) checkGuard();
        return next(args);
      },
    { step: "finalizeRequest", priority: "low", name: "tenureGuard" },
  );
}

/**
 * Notes, at each attempt, whether it may have been carried out though it failed: the client tells of its last one only. And has a
 * request sent again whose answer is none of DynamoDB's, as a page of a proxy with status 200, which the client takes for an error of
 * its own.
 */
function noteAttempts(client: DynamoDBClient): void {
  const lost = new WeakSet<object>();
  client.middlewareStack.add(
    (next, context) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        if (error instanceof SyntaxError) Object.assign(error, { $retryable: { throttling: false } });
        if (outcomeOf(error) === "unknown") lost.add(context);
        throw error;
      }
    },
    { step: "deserialize", priority: "high", name: "tenureAttempts" },
  );
  client.middlewareStack.add(
    (next, context) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        if (error instanceof Error && lost.has(context)) mayHaveLanded.add(error);
        throw error;
      }
    },
    { step: "initialize", priority: "low", name: "tenureOutcome" },
  );
}

/** Errors of requests of which an earlier attempt may have been carried out. */
const mayHaveLanded = new WeakSet<Error>();

function tellCosts(client: DynamoDBClient, onCost: (cost: DynamoCost) => void): void {
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      async (args) => {
        if (!DATA_COMMAND.test(commandName)) return next(args);
        const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: "TOTAL" } });
        const { ConsumedCapacity, $metadata } = result.output as {
          ConsumedCapacity?: { CapacityUnits?: number } | { CapacityUnits?: number }[];
          $metadata: { attempts?: number };
        };
        const units = [ConsumedCapacity ?? []].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
        const [readUnits, writeUnits] = READ_COMMAND.test(commandName) ? [units, 0] : [0, units];
        onCost({ readUnits, writeUnits, retries: ($metadata.attempts ?? 1) - 1 });
        return result;
      },
    { step: "initialize", name: "tenureCosts" },
  );
}

/** Names of errors that stay until an operator changes something. */
const PERMANENT =
  /^(?:AccessDenied\w*|UnrecognizedClient\w*|InvalidClientTokenId|InvalidSignature\w*|ExpiredToken\w*|MissingAuthenticationToken\w*|IncompleteSignature\w*|NotAuthorized|OptInRequired|ResourceNotFoundException|KMS\w*|CredentialsProviderError)$/;

/** DynamoDB's words for a request that its table has no index for, or other keys. */
const OTHER_TABLE = /specified index|match the schema|Missing the key/;

function isPermanent({ name, message }: Error): boolean {
  return PERMANENT.test(name) || (name === "ValidationException" && OTHER_TABLE.test(message));
}

function tellFaults(client: DynamoDBClient, onFault: (fault: StoreFault) => void): void {
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      async (args) => {
        try {
          return await next(args);
        } catch (error) {
          const fault = DATA_COMMAND.test(commandName) && faultOf(error);
          if (fault) onFault({ operation: commandName.replace(/Command$/, ""), ...fault });
          throw error;
        }
      },
    { step: "initialize", name: "tenureFaults" },
  );
}

/** Undefined for what is an answer, or a bug of the caller's. */
function faultOf(error: unknown): Omit<StoreFault, "operation"> | undefined {
  if (!(error instanceof Error) || error instanceof TenureError || isConditionFailed(error)) return undefined;
  if (isPermanent(error)) {
    const code = error.name === "ValidationException" && "no such index, or other keys";
    return { error: error.name, ...(code && { code }), isPermanent: true };
  }
  if (error.name === "ValidationException") return undefined;
  const { code, $metadata } = error as { code?: string; $metadata?: { httpStatusCode?: number } };
  const said = code ?? $metadata?.httpStatusCode;
  return { error: error.name, ...(said !== undefined && { code: String(said) }), isPermanent: false };
}

/** Either client as a document client. One that is one already keeps its own marshalling options. */
export function asDocumentClient(client: DynamoDBClient | DynamoDBDocumentClient): DynamoDBDocumentClient {
  if (client instanceof DynamoDBDocumentClient || client.constructor.name === "DynamoDBDocumentClient")
    return client as DynamoDBDocumentClient;
  return DynamoDBDocumentClient.from(client as DynamoDBClient, { marshallOptions: { removeUndefinedValues: true } });
}

const TABLE_ACTIVE_TRIES = 300;

/** Creates the table with its TTL attribute, or finds that it is there. Idempotent. For the local stack and tests. */
export async function ensureTable(client: DynamoDBDocumentClient, tableName: string): Promise<void> {
  const { hashKey, rangeKey, ttlAttribute, billingMode, index } = tableDefinition;
  const keys = (hash: string, range: string) => [
    { AttributeName: hash, KeyType: "HASH" as const },
    { AttributeName: range, KeyType: "RANGE" as const },
  ];
  await client
    .send(
      new CreateTableCommand({
        TableName: tableName,
        BillingMode: billingMode,
        AttributeDefinitions: [hashKey, rangeKey, index.hashKey, index.rangeKey].map((AttributeName) => ({
          AttributeName,
          AttributeType: "S",
        })),
        KeySchema: keys(hashKey, rangeKey),
        GlobalSecondaryIndexes: [
          {
            IndexName: index.name,
            KeySchema: keys(index.hashKey, index.rangeKey),
            Projection: { ProjectionType: "ALL" },
          },
        ],
      }),
    )
    .catch((error: Error) => {
      if (error.name !== "ResourceInUseException") throw asFault(error);
    });
  for (let tries = 0; ; tries++) {
    if (tries > TABLE_ACTIVE_TRIES)
      throw new TenureError({ tag: "store-unavailable", store: "dynamodb", outcome: "unknown" });
    const { Table } = await attempt(client.send(new DescribeTableCommand({ TableName: tableName })));
    const indexes = Table?.GlobalSecondaryIndexes ?? [];
    if (Table?.TableStatus === "ACTIVE" && !indexes.some(({ IndexName }) => IndexName === index.name))
      throw new TenureError({
        tag: "misconfigured",
        problems: [
          `table ${tableName} is of an earlier version, without its index: remove it (npm run reset) or add it`,
        ],
      });
    if (Table?.TableStatus === "ACTIVE" && indexes.every(({ IndexStatus }) => IndexStatus === "ACTIVE")) break;
    await pause(100);
  }
  if ((await describeTable(client, tableName)).ttlAttribute === ttlAttribute) return;
  const TimeToLiveSpecification = { AttributeName: ttlAttribute, Enabled: true };
  try {
    await attempt(client.send(new UpdateTimeToLiveCommand({ TableName: tableName, TimeToLiveSpecification })));
  } catch (error) {
    // Another process that starts has come first.
    if ((await describeTable(client, tableName)).ttlAttribute !== ttlAttribute) throw error;
  }
}

export interface TableFacts {
  /** The attribute by which items expire, or soon will; undefined while TTL is off. */
  ttlAttribute: string | undefined;
}

/** Asks the control plane for what only that tells of a table. Throws `store-unavailable`, also where the role may not ask. */
export async function describeTable(client: DynamoDBDocumentClient, TableName: string): Promise<TableFacts> {
  const { TimeToLiveDescription } = await attempt(client.send(new DescribeTimeToLiveCommand({ TableName })));
  const { TimeToLiveStatus, AttributeName } = TimeToLiveDescription ?? {};
  return { ttlAttribute: TimeToLiveStatus?.startsWith("ENABL") ? AttributeName : undefined };
}

/** Awaits a request and turns what the SDK throws into a fault. */
export async function attempt<T>(request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    throw asFault(error);
  }
}

export const isConditionFailed = (error: unknown): boolean =>
  error instanceof Error && error.name === "ConditionalCheckFailedException";

/** True for an update that was refused because it would make its item larger than 400 KB. */
export const isItemTooLarge = (error: unknown): boolean =>
  error instanceof Error && error.name === "ValidationException" && error.message.includes("Item size");

/** True when the same request may be answered if it is sent again in a moment. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { $metadata, $retryable } = error as { $metadata?: { httpStatusCode?: number }; $retryable?: unknown };
  return PASSING.test(error.name) || $retryable !== undefined || ($metadata?.httpStatusCode ?? 0) >= 500;
}

const PASSING =
  /^(Throttling.*|ProvisionedThroughput.*|RequestLimitExceeded|InternalServerError|ServiceUnavailable.*|TimeoutError|ECONNRESET|EPIPE|ETIMEDOUT)$/;

/** Refused before anything was done: these are answers of DynamoDB, or no connection could be made. */
const NOT_APPLIED =
  /^(ResourceNotFoundException|AccessDenied.*|Unrecognized.*|InvalidSignature.*|ExpiredToken.*|ValidationException|Throttling.*|ProvisionedThroughput.*|RequestLimitExceeded|ConditionalCheckFailedException|ItemCollection.*|CredentialsProviderError)$/;

/** Refusals for the size of what was sent. */
const TOO_LARGE = /size|bytes|nesting/i;

/**
 * A failed condition is an answer, what is too large for an item or a key is the caller's, and any other request that
 * DynamoDB finds invalid is a bug: none is a fault.
 */
function asFault(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TenureError || isConditionFailed(error)) return error;
  if (isPermanent(error))
    return new TenureError(
      { tag: "store-unavailable", store: "dynamodb", outcome: outcomeOf(error), why: "refused" },
      { cause: error },
    );
  if (error.name === "ValidationException") {
    if (!TOO_LARGE.test(error.message)) return error;
    const issue =
      "A name or a value is larger than the database takes: 400 KB in one record, and 1,024 bytes in a name";
    return new TenureError({ tag: "invalid-input", issues: [issue] }, { cause: error });
  }
  return new TenureError({ tag: "store-unavailable", store: "dynamodb", outcome: outcomeOf(error) }, { cause: error });
}

/** Returns what is known of the outcome of a request that failed. */
export function outcomeOf(error: unknown): "not-applied" | "unknown" {
  if (mayHaveLanded.has(error as Error)) return "unknown";
  const { name = "", code } = error as { name?: string; code?: string };
  return NOT_APPLIED.test(name) || code === "ECONNREFUSED" ? "not-applied" : "unknown";
}
