/** Two processes of the API on the same stores, of which each request and each node of a graph is a step. */
import { type DynamoDBDocumentClient, GetCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { Annotation, type LangGraphRunnableConfig, START, StateGraph } from "@langchain/langgraph";
import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import type { Deps } from "@tenure/functions/deps";
import type { GraphFactory } from "@tenure/functions/graphs";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import type { RedisEngine } from "@tenure/local/redis/engine";
import type { Status } from "@tenure/local/redis/reply";
import { vi } from "vitest";
import { Connections } from "../../../packages/core/src/connections.ts";
import type { Random } from "../../support/random.ts";
import { openApi, type TestApi } from "../../support/service/api.ts";
import { apiClients, credentials } from "../../support/stores/dynamo.ts";
import { behindGateway } from "../../support/stores/redis.ts";
import { isOfIndex, LaggingIndex } from "./lagging-index.ts";
import { holdTime, type Steps } from "./steps.ts";

/** A node that has begun. */
interface Visit {
  at: number;
  threadId: string;
  userId: string;
  marker: string;
}

export interface World {
  processes: TestApi[];
  /** The code that was last mailed to an operation. */
  codes: Map<string, string>;
  visits: Visit[];
  /** Everything that is in the two stores, an item or a key with its value on each line. */
  contents(): Promise<string[]>;
  close(): Promise<void>;
}

interface WorldOptions {
  endpoint: string;
  steps: Steps;
  random: Random;
  tableName: string;
  /** Parts that are broken on purpose. */
  replace: (deps: Deps) => Partial<Deps>;
}

/** An index may be behind by up to so many writes. */
const MAX_LAG = 40;

export async function openWorld({ endpoint, steps, random, tableName, replace }: WorldOptions): Promise<World> {
  const dynamo = { endpoint, region: "local", credentials };
  const admin = connectDynamo({ ...dynamo, requestTimeoutMs: 60_000 });
  await ensureTable(admin, tableName);
  const time = holdTime();
  const gateway = await behindGateway(new EmbeddedRedis({ now: () => Date.now() }));
  const index = new LaggingIndex(async (Key) => (await send(new GetCommand({ TableName: tableName, Key }))).Item);

  const sendAs = apiClients.send as (...call: unknown[]) => Promise<Record<string, never>>;
  const send = (command: unknown): Promise<Record<string, never>> => sendAs.call(admin, command);
  const dynamoSteps = vi.spyOn(apiClients, "send").mockImplementation(function (
    this: DynamoDBDocumentClient,
    ...[command, options]: unknown[]
  ) {
    return steps.step(labelOf(command), async () => {
      if (isOfIndex(command)) return index.answer(command, steps.isOrderly ? 0 : random(MAX_LAG));
      try {
        return await sendAs.call(this, command, options);
      } finally {
        await index.note(command);
      }
    });
  } as never);
  const postAs = Connections.prototype.post;
  const { port } = new URL(gateway.url);
  const redisSteps = vi.spyOn(Connections.prototype, "post").mockImplementation(function (this: Connections, ...call) {
    const post = () => postAs.apply(this, call);
    return String(call[0].port) === port ? steps.step("redis", post) : post();
  });

  const codes = new Map<string, string>();
  const visits: Visit[] = [];
  const open = () =>
    openApi(
      {
        ...{ tableName, dynamo, redis: { url: gateway.url, token: gateway.token } },
        mailer: { sendCode: async ({ code }) => void codes.set(steps.operation, code) },
        codePolicy: { resendMs: 0 },
        graphs: { noted: noted(steps, visits) },
        report: (line) => void steps.trace.push(`  reported: ${line}`),
      },
      replace,
    );
  const processes = [await open(), await open()];
  return {
    ...{ processes, codes, visits },
    async contents() {
      const { Items = [] } = (await send(new ScanCommand({ TableName: tableName }))) as unknown as {
        Items?: { sk: string; after?: boolean }[];
      };
      // A deleted thread leaves a marker for half an hour: then the sweep erases what has landed meanwhile.
      const stored = Items.filter(({ sk, after }) => !(sk === "deadline" && after));
      return [...stored.map((item) => JSON.stringify(item)), ...(await redisContents(gateway.engine))];
    },
    async close() {
      dynamoSteps.mockRestore();
      redisSteps.mockRestore();
      for (const { deps } of processes) deps.close();
      admin.destroy();
      await gateway.close();
      time.release();
    },
  };
}

const State = Annotation.Root({
  marker: Annotation<string>,
  remembers: Annotation<boolean>,
  said: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
});

/** A graph of three nodes that say what they were told; each is noted as it begins, and the second may put it into memory. */
const noted =
  (steps: Steps, visits: Visit[]): GraphFactory =>
  ({ checkpointer }) => {
    const node = (name: string) => async (state: typeof State.State, config: LangGraphRunnableConfig) => {
      const { thread_id, user_id } = config.configurable ?? {};
      const { marker } = state;
      visits.push({ at: steps.tick(), threadId: String(thread_id), userId: String(user_id), marker });
      steps.trace.push(`${steps.instant} ${steps.operation}: node ${name} begins`);
      await steps.step(`node ${name} ends`, async () => {});
      if (name === "two" && state.remembers) await config.store?.put(["notes"], marker, { marker });
      return { said: [`${marker} ${name}`] };
    };
    return new StateGraph(State)
      .addNode("one", node("one"))
      .addNode("two", node("two"))
      .addNode("three", node("three"))
      .addEdge(START, "one")
      .addEdge("one", "two")
      .addEdge("two", "three")
      .compile({ ...(checkpointer && { checkpointer }), name: "noted" }) as unknown as ReturnType<GraphFactory>;
  };

function labelOf(command: unknown): string {
  const { input } = command as { input: Record<string, unknown> };
  const { pk, sk } = (input.Key ?? input.Item ?? {}) as { pk?: string; sk?: string };
  const values = input.ExpressionAttributeValues as Record<string, unknown> | undefined;
  const batch = Object.values((input.RequestItems as object | undefined) ?? {}).flat() as object[];
  const where = pk
    ? `${pk} ${sk}`
    : batch.length
      ? JSON.stringify(batch).slice(0, 200)
      : (values?.[":pk"] ?? values?.[":ipk"]);
  return `${(command as object).constructor.name.replace("Command", "")} ${where} ${input.UpdateExpression ?? ""}`;
}

const READ: Record<string, (key: string) => string[]> = {
  string: (key) => ["GET", key],
  hash: (key) => ["HGETALL", key],
  list: (key) => ["LRANGE", key, "0", "-1"],
  set: (key) => ["SMEMBERS", key],
  zset: (key) => ["ZRANGE", key, "0", "-1"],
  stream: (key) => ["XRANGE", key, "-", "+"],
};

async function redisContents(engine: RedisEngine): Promise<string[]> {
  const found: string[] = [];
  for (const key of (await engine.send(["KEYS", "*"])) as string[]) {
    const type = (await engine.send(["TYPE", key])) as Status;
    found.push(`${key} ${JSON.stringify(await engine.send(READ[type.text]?.(key) ?? ["GET", key]))}`);
  }
  return found;
}
