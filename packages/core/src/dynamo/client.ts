/**
 * The one importer of `@aws-sdk`. Everything that core asks of DynamoDB goes through `Table`, which says what an
 * answer means: an expired item is absent, a lost answer is `store-unavailable` with what is known of it, and a
 * batch is done when all of it is. The client made here sends items by a path of its own, lean.ts, and all else by the SDK; one
 * that a user brings along is used as it is.
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
import { pause, withDeadline } from "../deadline.ts";
import { type StoreFault, TenureError } from "../errors.ts";
import { tableDefinition } from "./definition.ts";
import { asFault, attempt } from "./faults.ts";
import { type DynamoCost, LeanClient, type Operation, type Place } from "./lean.ts";

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

/** A document client whose requests have a deadline and are tried three times at most. */
export function connectDynamo({
  requestTimeoutMs = 3000,
  onCost,
  onFault,
  ...config
}: DynamoConfig = {}): DynamoDBDocumentClient {
  const sdk = new DynamoDBClient({
    ...config,
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: 1000,
      requestTimeout: requestTimeoutMs,
      socketTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
    },
  });
  const lean = new LeanClient({
    place: placeIn(config) ?? placeOf(sdk),
    ...{ credentials: () => sdk.config.credentials(), requestTimeoutMs, onCost, onFault },
  });
  return new LeanDocumentClient(sdk, lean);
}

const MARSHALLING = { marshallOptions: { removeUndefinedValues: true } };

/** The commands that go by the lean path: those on items, and the one by which a running service asks for its table's TTL. */
const OPERATIONS = new Map<unknown, Operation>([
  [GetCommand, "GetItem"],
  [PutCommand, "PutItem"],
  [UpdateCommand, "UpdateItem"],
  [DeleteCommand, "DeleteItem"],
  [QueryCommand, "Query"],
  [ScanCommand, "Scan"],
  [BatchWriteCommand, "BatchWriteItem"],
  [DescribeTimeToLiveCommand, "DescribeTimeToLive"],
]);

interface Command {
  input: Record<string, unknown>;
}

interface SendOptions {
  abortSignal?: AbortSignal | undefined;
  /** The time for all tries in milliseconds, of the lean path only. */
  withinMs?: number | undefined;
}

/** The SDK's document client, which has its data commands carried out by the lean path. */
class LeanDocumentClient extends DynamoDBDocumentClient {
  private readonly lean: LeanClient;

  constructor(sdk: DynamoDBClient, lean: LeanClient) {
    super(sdk, MARSHALLING);
    this.lean = lean;
  }

  override send(...call: never[]): never {
    const [command, { abortSignal: signal, withinMs } = {}] = call as unknown as [Command, SendOptions?];
    const operation = OPERATIONS.get(command.constructor);
    if (!operation) return super.send(...(call as [never])) as never;
    return this.lean.send(operation, command.input, { signal, withinMs }) as never;
  }

  override destroy(): void {
    this.lean.close();
    super.destroy();
  }
}

/** The place that a configuration names itself; undefined where the SDK has to be asked. */
function placeIn({ endpoint, region }: Pick<DynamoConfig, "endpoint" | "region">): (() => Promise<Place>) | undefined {
  if (endpoint === undefined || region === undefined) return undefined;
  const { protocol, hostname, port, host, pathname: path } = new URL(endpoint);
  const place = Promise.resolve({ target: { protocol, hostname, port, path }, host, region });
  return () => place;
}

/**
 * Sends a command that reads or writes items, for at most `ms` milliseconds. The lean path keeps to a time by itself, without the cost
 * of a signal; another client is given one.
 */
export function sendWithin(client: DynamoDBDocumentClient, command: unknown, ms: number): Promise<unknown> {
  const send = client.send.bind(client) as (command: unknown, options: SendOptions) => Promise<unknown>;
  if (client instanceof LeanDocumentClient) return send(command, { withinMs: ms });
  return withDeadline(ms, (abortSignal) => send(command, { abortSignal }));
}

/** Asks the SDK once, by a request that it signs and does not send, where it would send one and for which region. */
function placeOf(client: DynamoDBClient): () => Promise<Place> {
  const ask = async (): Promise<Place> => {
    const command = new DescribeTimeToLiveCommand({ TableName: "tenure" });
    let signed: { headers: Record<string, string>; protocol: string; hostname: string; port?: number; path: string };
    const found = new Promise<Place>((resolve, reject) => {
      command.middlewareStack.add(
        () => async (args) => {
          signed = args.request as typeof signed;
          const { headers, ...target } = signed;
          const [, region = ""] = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(headers.authorization ?? "") ?? [];
          resolve({ target, host: headers.host ?? "", region });
          return { response: {}, output: { $metadata: {} } };
        },
        { step: "finalizeRequest", priority: "low", name: "tenurePlace" },
      );
      client.send(command).catch(reject);
    });
    return found;
  };
  let known: Promise<Place> | undefined;
  return () => {
    known ??= ask().catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
}

/** Either client as a document client. One that is one already keeps its own marshalling options. */
export function asDocumentClient(client: DynamoDBClient | DynamoDBDocumentClient): DynamoDBDocumentClient {
  if (client instanceof DynamoDBDocumentClient || client.constructor.name === "DynamoDBDocumentClient")
    return client as DynamoDBDocumentClient;
  return DynamoDBDocumentClient.from(client as DynamoDBClient, MARSHALLING);
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
