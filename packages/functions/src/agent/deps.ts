/** Builds what threads, runs, assistants and memory stand on, and the graphs. */

import process from "node:process";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { type AssistantStore, createAssistantStore } from "@tenure/core/assistant";
import { DynamoDBSaver, type EncryptionOptions } from "@tenure/core/checkpoint";
import { tableDefinition } from "@tenure/core/dynamo";
import { createEventLog, type EventLog } from "@tenure/core/events";
import { DynamoDBStore } from "@tenure/core/memory";
import { createRaceItem, createRaceKey, type RaceItem, type RaceKey } from "@tenure/core/race";
import {
  createThreadStore,
  defaultLeasePolicy,
  type LeasePolicy,
  type Lifetime,
  type LifetimeStrategy,
  type ThreadStore,
} from "@tenure/core/thread";
import { compileGraphs, type GraphFactory, type Graphs } from "../graphs/index.ts";
import { loadModel } from "../graphs/model.ts";
import type { SourceSchemas } from "../graphs/schemas.ts";
import { sourceSchemas } from "../graphs/source-schemas.ts";
import type { HttpConfig, HttpDeps, Stores } from "../http/deps.ts";
import type { AssistantDefaults } from "./assistants/description.ts";
import { checkpointMetadata } from "./runs/metadata.ts";

/** `mailbox` is a path; `redis` and `dynamodb` say in words what answers in the stores' place. */
export interface LocalStack {
  mailbox: string;
  redis: string;
  dynamodb: string;
}

export interface AgentConfig extends HttpConfig {
  /** `provider:model`, or one that is made already; the offline model when left out. */
  model?: string | BaseChatModel | undefined;
  /** Configuration of the graphs' own assistants, by name. */
  defaults?: AssistantDefaults | undefined;
  /** Further graphs, by name; those of graphs/index.ts when left out. */
  graphs?: Record<string, GraphFactory> | undefined;
  /** Schemas that the graphs do not know at run time; those of graphs/source-schemas.ts when left out. */
  schemas?: SourceSchemas | undefined;
  /** The lifetime of a thread that asks for none, in milliseconds since something was last done in it. Default: for good. */
  threadTtlMs?: number | undefined;
  /** At their deadline threads go, or only their older checkpoints do; "delete" when left out. */
  threadStrategy?: LifetimeStrategy | undefined;
  /** The lifetime of a memory item that asks for none, in milliseconds. Default: for good. */
  memoryTtlMs?: number | undefined;
  /** The memory that checkpoints may take, in bytes. Default: the saver's own. */
  checkpointCacheBytes?: number | undefined;
  leasePolicy?: Partial<LeasePolicy> | undefined;
  /** Offers the demo's race, which a product does not need. Default: it is not there. */
  demo?: boolean | undefined;
  /** The local stack's mailbox and engines, which its pages name. Default: none, as in a deployment. */
  local?: LocalStack | undefined;
  /** Keys for checkpoints at rest; they are stored as they are when left out. */
  encryption?: EncryptionOptions | undefined;
}

export interface AgentDeps extends HttpDeps {
  threads: ThreadStore;
  checkpointer: DynamoDBSaver;
  /** With checkpoints, and without, for runs that keep none. */
  graphs: Graphs;
  stateless: Graphs;
  schemas: SourceSchemas;
  assistants: AssistantStore;
  events: EventLog;
  /** The two records of the demo's race, where it is offered. */
  race: { key: RaceKey; item: RaceItem } | undefined;
  local: LocalStack | undefined;
  /** The long-term memory of one user. */
  storeOf: (userId: string) => DynamoDBStore;
  defaults: AssistantDefaults;
  /** Epoch milliseconds. */
  startedAt: number;
  leasePolicy: LeasePolicy;
  /** Of threads that ask for none. */
  threadLifetime: Lifetime;
  /** The lifetime of memory items that ask for none, in milliseconds; for good when undefined. */
  memoryTtlMs: number | undefined;
}

/**
 * LangGraph streams messages from callbacks of LangChain, which by default run in one background queue for the whole process: what
 * is still in it when a graph ends is lost, which with four runs at once was every message.
 */
function awaitCallbacks(): void {
  process.env.LANGCHAIN_CALLBACKS_BACKGROUND = "false";
}

export async function createAgentDeps(config: AgentConfig, stores: Stores, http: HttpDeps): Promise<AgentDeps> {
  awaitCallbacks();
  const { redis, client, table, clock } = stores;
  const { tableName } = config;
  const leasePolicy = { ...defaultLeasePolicy, ...config.leasePolicy };
  const checkpointer = new DynamoDBSaver({
    client,
    tableName,
    ...(config.checkpointCacheBytes !== undefined && { cacheBytes: config.checkpointCacheBytes }),
    indexName: tableDefinition.index.name,
    encryption: config.encryption,
    // Asked once for each checkpoint.
    metadataOf: (of) => {
      http.count("Supersteps");
      return checkpointMetadata(of);
    },
    clock,
  });
  const model = typeof config.model === "object" ? config.model : await loadModel(config.model);
  return {
    ...http,
    threads: createThreadStore(table, clock, leasePolicy),
    checkpointer,
    graphs: compileGraphs({ model, checkpointer: checkpointer as unknown as BaseCheckpointSaver }, config.graphs),
    stateless: compileGraphs({ model, checkpointer: undefined }, config.graphs),
    schemas: config.schemas ?? sourceSchemas,
    assistants: createAssistantStore(table, clock),
    events: createEventLog(redis),
    race: config.demo ? { key: createRaceKey(redis), item: createRaceItem(table) } : undefined,
    local: config.local,
    storeOf: (scope) => new DynamoDBStore({ client, tableName, scope, ttlMs: config.memoryTtlMs, clock }),
    defaults: config.defaults ?? {},
    startedAt: clock.now(),
    leasePolicy,
    threadLifetime:
      config.threadTtlMs === undefined ? {} : { ttlMs: config.threadTtlMs, strategy: config.threadStrategy },
    memoryTtlMs: config.memoryTtlMs,
  };
}
