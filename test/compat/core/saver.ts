/**
 * Stands in for `@langchain/langgraph-checkpoint` in LangGraph's own tests: all of it is as it is, but with
 * COMPAT_SAVER=tenure a MemorySaver keeps its checkpoints in a table of its own, by DynamoDBSaver.
 */
import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import * as checkpoint from "@langchain/langgraph-checkpoint";
import { beforeEach, expect } from "vitest";
import { DynamoDBSaver } from "../../../packages/core/src/checkpoint/index.ts";
import { connectDynamo, ensureTable } from "../../../packages/core/src/dynamo/index.ts";
import { SAME } from "./results.ts";

type Config = Parameters<DynamoDBSaver["getTuple"]>[0];
type Tuple = checkpoint.CheckpointTuple;

const isOurs = process.env.COMPAT_SAVER === "tenure";
const credentials = { accessKeyId: "local", secretAccessKey: "local" };
const client = connectDynamo({ endpoint: process.env.COMPAT_ENDPOINT as string, region: "local", credentials });

/** Tables that nobody has used: a test makes its saver at once, and DynamoDB a table in its own time. */
const tables: string[] = [];
const MANY = 40;
async function fill(): Promise<void> {
  await Promise.all(
    Array.from({ length: MANY - tables.length }, async () => {
      const tableName = `compat-${randomUUID()}`;
      await ensureTable(client, tableName);
      // Looks up the table's format, once for all savers on it.
      await new DynamoDBSaver({ client, tableName }).getTuple({ configurable: { thread_id: "none" } });
      tables.push(tableName);
    }),
  );
}
if (isOurs) {
  await fill();
  beforeEach(fill);
}

/** Tests that give a graph ten milliseconds to begin, time enough for a store without requests. All their delays are longer. */
const HURRIED = /pregel\.cancellation/;
const longer = (ms: number) => 20 * ms;
if (isOurs && HURRIED.test(expect.getState().testPath ?? "")) {
  const { setTimeout: later } = globalThis;
  const slowly = (call: () => void, ms = 0, ...rest: []) => later(call, longer(ms), ...rest);
  globalThis.setTimeout = Object.assign(slowly, later) as typeof later;
  const signalAfter = AbortSignal.timeout.bind(AbortSignal);
  AbortSignal.timeout = (ms) => signalAfter(longer(ms));
}

class TableSaver extends DynamoDBSaver {
  private readonly tableName: string;

  constructor(serde?: checkpoint.SerializerProtocol) {
    const tableName = tables.pop();
    if (tableName === undefined) throw new Error(`more than ${MANY} savers in one test`);
    super({ client, tableName, ...(serde && { serde }) });
    this.tableName = tableName;
  }

  /** Each read is also made by a saver without a memory, and must say the same. */
  override async getTuple(config: Config): Promise<Tuple | undefined> {
    const [found, cold] = await Promise.all([super.getTuple(config), this.coldly(config)]);
    await this.compare(config, found, cold);
    return found;
  }

  override async *list(...asked: Parameters<DynamoDBSaver["list"]>): AsyncGenerator<Tuple> {
    for await (const found of super.list(...asked)) {
      await this.compare(found.config, found, await this.coldly(found.config));
      yield found;
    }
  }

  /** The tests' own subclasses leave the versions out, and mean that all channels are new. */
  override put(...[config, made, metadata, newVersions]: Parameters<DynamoDBSaver["put"]>): Promise<Config> {
    const all = () => Object.fromEntries(Object.keys(made.channel_values).map((name) => [name, 1]));
    return super.put(config, made, metadata, (newVersions as typeof newVersions | undefined) ?? all());
  }

  private coldly(config: Config): Promise<unknown> {
    return new DynamoDBSaver({ client, tableName: this.tableName, serde: this.serde }).getTuple(config).catch(String);
  }

  private async compare(config: Config, found: Tuple | undefined, cold: unknown): Promise<void> {
    if (isDeepStrictEqual(cold, found)) return note(SAME);
    // A write may have landed between the two: then both are made again.
    for (let left = 3; left > 0; left--) {
      const again = await super.getTuple(config);
      if (isDeepStrictEqual(await this.coldly(config), again)) return note(SAME);
    }
    const test = expect.getState().currentTestName;
    note(`${test}: ${found?.checkpoint.id} is ${JSON.stringify(found)}, and then ${JSON.stringify(cold)}`);
  }
}

const note = (line: string) => appendFileSync(process.env.COMPAT_READS as string, `${line}\n`);

export * from "@langchain/langgraph-checkpoint";
export const MemorySaver = isOurs ? TableSaver : checkpoint.MemorySaver;
