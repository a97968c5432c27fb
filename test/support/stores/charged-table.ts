/**
 * A DynamoDB in memory that charges as DynamoDB does: a write unit for each KB of an item, a read unit for each 4 KB that a consistent
 * read goes over. Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
 */
import type { DynamoDBDocumentClient } from "@tenure/core/dynamo";
import { type Command, MemoryTable } from "./memory-table/table.ts";

type Attributes = Record<string, unknown>;

interface Charges {
  writeUnits: number;
  readUnits: number;
  requests: number;
}

export interface ChargedTable {
  client: DynamoDBDocumentClient;
  /** So far. */
  charges: Charges;
  /** Runs `work` and returns its charges and its rounds: requests that one after the other had to wait for the answer before. */
  chargesOf(work: () => Promise<unknown>): Promise<Charges & { rounds: number }>;
}

export function chargedTable(): ChargedTable {
  const table = new MemoryTable({ copies: false });
  const charges: Charges = { writeUnits: 0, readUnits: 0, requests: 0 };
  const itemAt = (Key: unknown) =>
    (table.execute({ constructor: { name: "GetCommand" }, input: { Key } }) as { Item?: Attributes }).Item;
  const writes = (before: Attributes | undefined, after: Attributes | undefined) => {
    charges.writeUnits += Math.max(1, Math.ceil(Math.max(sizeOf(before), sizeOf(after)) / 1024));
  };
  const keyOf = ({ pk, sk }: Attributes) => ({ pk, sk });

  function execute(command: Command): unknown {
    const input = command.input as Attributes;
    const { Item, Key, RequestItems } = input as { Item?: Attributes; Key?: Attributes; RequestItems?: Attributes };
    charges.requests += 1;
    if (command.constructor.name === "BatchWriteCommand") {
      const all = Object.values(RequestItems ?? {}).flat() as {
        PutRequest?: { Item: Attributes };
        DeleteRequest?: { Key: unknown };
      }[];
      for (const { PutRequest, DeleteRequest } of all)
        writes(itemAt(PutRequest ? keyOf(PutRequest.Item) : DeleteRequest?.Key), PutRequest?.Item);
      return table.execute(command);
    }
    const key = Item ? keyOf(Item) : Key;
    if (command.constructor.name === "GetCommand") {
      charges.readUnits += Math.max(1, Math.ceil(sizeOf(itemAt(key)) / 4096));
      return table.execute(command);
    }
    if (key) {
      const before = itemAt(key);
      try {
        return table.execute(command);
      } finally {
        writes(before, itemAt(key));
      }
    }
    const answer = table.execute(command) as { Items?: Attributes[] };
    const bytes = (answer.Items ?? []).reduce((sum, one) => sum + sizeOf(one), 0);
    charges.readUnits += Math.max(1, Math.ceil(bytes / 4096));
    return answer;
  }

  /** The longest row of requests of which each was sent after the one before it was answered. */
  let rounds = 0;

  class DynamoDBDocumentClient {
    async send(command: Command): Promise<unknown> {
      const round = rounds + 1;
      const answer = execute(command);
      // Requests that are sent together are all sent before one is answered.
      await new Promise(setImmediate);
      rounds = Math.max(rounds, round);
      return answer;
    }
  }
  return {
    client: new DynamoDBDocumentClient() as never,
    charges,
    async chargesOf(work) {
      const before = { ...charges };
      rounds = 0;
      await work();
      return {
        rounds,
        writeUnits: charges.writeUnits - before.writeUnits,
        readUnits: charges.readUnits - before.readUnits,
        requests: charges.requests - before.requests,
      };
    },
  };
}

/** Bytes of a value, as DynamoDB counts them. */
function sizeOf(value: unknown): number {
  if (value === undefined) return 0;
  if (value instanceof Uint8Array) return value.length;
  if (typeof value === "string") return Buffer.byteLength(value);
  if (typeof value === "number") return Math.ceil(String(Math.abs(value)).length / 2) + 1;
  if (typeof value !== "object" || value === null) return 1;
  if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + 1 + sizeOf(one), 3);
  const isItem = "pk" in value && "sk" in value;
  return Object.entries(value).reduce(
    (sum, [name, one]) => sum + (isItem ? 0 : 1) + Buffer.byteLength(name) + sizeOf(one),
    isItem ? 0 : 3,
  );
}
