/** DynamoDB as one process sees it: the SDK's client with its time limits and retries, on a table in memory. */
import { checkGuard, type DynamoDBDocumentClient as RealClient } from "@tenure/core/dynamo";
import { type Command, copy, type MemoryTable } from "../../support/stores/memory-table/table.ts";
import type { SimulatedProcess } from "../world/process.ts";
import { call, type Network, Refused } from "./call.ts";

/** As `connectDynamo` sets them. */
const ATTEMPTS = 3;
const REQUEST_TIMEOUT_MS = 3000;

export function dynamoClient(network: Network, process: SimulatedProcess, table: MemoryTable): RealClient {
  /** By this name core knows a document client. */
  class DynamoDBDocumentClient {
    async send(command: Command, { abortSignal }: { abortSignal?: AbortSignal } = {}): Promise<unknown> {
      const sent = { constructor: { name: command.constructor.name }, input: copy(command.input) };
      const label = labelOf(sent);
      const execute = () => {
        try {
          return table.execute(sent);
        } catch (error) {
          // The SDK's errors are named …Exception; any other error says that the table does not know the request.
          if (error instanceof Error && !/Exception$/.test(error.name)) process.world.failure = error;
          throw error;
        }
      };
      for (let attempts = 1; ; attempts++) {
        if (!isRead(sent)) checkGuard();
        try {
          const answer = await inTime(call(network, process, "dynamo", label, execute), abortSignal);
          return { ...answer, $metadata: { attempts } };
        } catch (error) {
          const failure = error instanceof Refused ? throttled() : (error as Error);
          Object.assign(failure, { $metadata: { httpStatusCode: 400, attempts } });
          if (attempts === ATTEMPTS || !/^(TimeoutError|ThrottlingException)$/.test(failure.name)) throw failure;
          if (failure.name === "ThrottlingException") await pause(50 * 2 ** attempts);
        }
      }
    }

    destroy(): void {}
  }
  return new DynamoDBDocumentClient() as unknown as RealClient;
}

const isRead = ({ constructor: { name } }: Command) => /^(Get|Query|Scan)/.test(name);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const named = (name: string, message: string) => Object.assign(new Error(message), { name });
const throttled = () => named("ThrottlingException", "Rate exceeded");

function inTime<T>(answer: Promise<T>, abortSignal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(named("AbortError", "Request aborted"));
    const timer = setTimeout(() => reject(named("TimeoutError", "no answer in time")), REQUEST_TIMEOUT_MS);
    if (abortSignal?.aborted) abort();
    abortSignal?.addEventListener("abort", abort, { once: true });
    answer.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      abortSignal?.removeEventListener("abort", abort);
    });
  });
}

interface Input {
  Key?: { pk: string; sk: string };
  Item?: { pk: string; sk: string };
  IndexName?: string;
  ExpressionAttributeValues?: Record<string, unknown>;
  UpdateExpression?: string;
  RequestItems?: Record<string, { PutRequest?: { Item: object }; DeleteRequest?: { Key: object } }[]>;
}

/** Names a command for people: what, and on which item. */
function labelOf({ constructor: { name }, input }: Command): string {
  const { Key, Item, RequestItems, ExpressionAttributeValues: values = {}, IndexName } = input as Input;
  const key = Key ?? Item;
  const verb = name.replace("Command", "");
  if (key) return `${verb} ${key.pk} ${key.sk}`;
  if (RequestItems) {
    const keys = Object.values(RequestItems)
      .flat()
      .map(({ PutRequest, DeleteRequest }) => (PutRequest?.Item ?? DeleteRequest?.Key) as { sk: string });
    return `${verb} ${keys.map(({ sk }) => sk).join(", ")}`;
  }
  return `${verb} ${IndexName ? values[":ipk"] : values[":pk"]} ${values[":prefix"] ?? values[":from"] ?? ""}`;
}
