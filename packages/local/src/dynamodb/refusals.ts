/**
 * Refusals of DynamoDB that dynalite lacks: requests that work on the laptop and fail on AWS. Each rule is one in which
 * DynamoDB Local and dynalite differ (test/conformance/dynamodb.test.ts compares them).
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { tableDefinition } from "@tenure/core/dynamo";

type AttributeValue = { S?: string | undefined; M?: Attributes | undefined; L?: AttributeValue[] | undefined };
type Attributes = Record<string, AttributeValue>;

interface Write {
  PutRequest?: { Item?: Attributes } | undefined;
  DeleteRequest?: { Key?: Attributes } | undefined;
}

/** The parts of a request that a rule looks at. */
interface DynamoRequest {
  Key?: Attributes | undefined;
  Item?: Attributes | undefined;
  RequestItems?: Record<string, Write[] | undefined> | undefined;
  KeyConditionExpression?: string | undefined;
  UpdateExpression?: string | undefined;
  ConditionExpression?: string | undefined;
  FilterExpression?: string | undefined;
  ProjectionExpression?: string | undefined;
  ExpressionAttributeNames?: Record<string, string> | undefined;
  ExpressionAttributeValues?: Attributes | undefined;
}

const { hashKey, rangeKey, index } = tableDefinition;
/** Bytes of a key attribute, at most. */
const KEY_BYTES = new Map<string, number>([
  [hashKey, 2048],
  [index.hashKey, 2048],
  [rangeKey, 1024],
  [index.rangeKey, 1024],
]);
const EXPRESSION_BYTES = 4096;
const NESTED_LEVELS = 32;
const EXPRESSIONS = [
  "KeyConditionExpression",
  "UpdateExpression",
  "ConditionExpression",
  "FilterExpression",
  "ProjectionExpression",
] as const;

/** The message with which DynamoDB refuses a request; undefined when dynalite is to answer it. */
function refusalOf(request: DynamoRequest): string | undefined {
  const { ExpressionAttributeValues: values = {}, KeyConditionExpression: condition = "" } = request;
  for (const name of EXPRESSIONS)
    if (Buffer.byteLength(request[name] ?? "") > EXPRESSION_BYTES)
      return `Invalid ${name}: Expression size has exceeded the maximum allowed size;`;
  const batch = Object.values(request.RequestItems ?? {}).flatMap((writes) => writes ?? []);
  const items = [request.Key, request.Item, ...batch.flatMap((one) => [one.PutRequest?.Item, one.DeleteRequest?.Key])];
  for (const item of [...items, updatedKeys(request)]) {
    if (!item) continue;
    for (const name of KEY_BYTES.keys()) {
      const refusal = refusalOfKey(name, item[name]);
      if (refusal) return refusal;
    }
  }
  for (const [, name = "", , ...operands] of condition.matchAll(COMPARISON))
    for (const operand of operands) {
      const refusal = operand && refusalOfKey(request.ExpressionAttributeNames?.[name] ?? name, values[operand]);
      if (refusal) return refusal;
    }
  const tooDeep = [values, ...items].some((one) => one && depthOf({ M: one }) > NESTED_LEVELS + 1);
  return tooDeep
    ? "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
    : undefined;
}

/** A comparison of a key condition: the attribute, the operator, and its one or two operands. */
const COMPARISON = /(?:begins_with\s*\(\s*)?([#\w]+)\s*(=|<=|>=|<|>|,|BETWEEN)\s*(:\w+)(?:\s+AND\s+(:\w+))?/gi;

/** Key attributes that an update sets. */
function updatedKeys({
  UpdateExpression = "",
  ExpressionAttributeNames: names,
  ExpressionAttributeValues: values,
}: DynamoRequest) {
  const set: Attributes = {};
  for (const [, name = "", operand = ""] of UpdateExpression.matchAll(/([#\w]+)\s*=\s*(:\w+)/g)) {
    const value = values?.[operand];
    if (value) set[names?.[name] ?? name] = value;
  }
  return set;
}

function refusalOfKey(name: string, value: AttributeValue | undefined): string | undefined {
  const limit = KEY_BYTES.get(name);
  if (limit === undefined || value?.S === undefined) return undefined;
  if (value.S === "")
    return `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: ${name}`;
  if (Buffer.byteLength(value.S) > limit)
    return `One or more parameter values were invalid: Size of key ${name} has exceeded the size limit of ${limit} bytes`;
  return undefined;
}

function depthOf({ M, L }: AttributeValue): number {
  const parts = [...Object.values(M ?? {}), ...(L ?? [])];
  return parts.reduce((deepest, part) => Math.max(deepest, depthOf(part)), 0) + (M || L ? 1 : 0);
}

/** Answers a request that DynamoDB would refuse, and hands any other one on with the body that was read of it. */
export async function refuseOrPass(
  request: IncomingMessage,
  response: ServerResponse,
  pass: (request: IncomingMessage) => void,
): Promise<void> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    // The client has gone away in the middle of it.
    return void response.destroy();
  }
  const body = Buffer.concat(chunks);
  const message = refusalOf(parsed(body));
  if (message === undefined) {
    const { method, url, headers } = request;
    return pass(Object.assign(Readable.from([body]), { method, url, headers }) as unknown as IncomingMessage);
  }
  response
    .writeHead(400, { "Content-Type": "application/x-amz-json-1.0" })
    .end(JSON.stringify({ __type: "com.amazon.coral.validate#ValidationException", message }));
}

/** Dynalite says what is wrong with a body that is no JSON. */
function parsed(body: Buffer): DynamoRequest {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return typeof value === "object" && value !== null ? (value as DynamoRequest) : {};
  } catch {
    return {};
  }
}
