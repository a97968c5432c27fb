/** A cluster of redis-servers on loopback: three primaries, each with so many replicas as are asked for. */

import type { RedisEngine } from "@tenure/local/redis/engine";
import { ErrorReply, type Reply } from "@tenure/local/redis/reply";
import { RedisServer } from "@tenure/local/redis/resp";
import { freePort } from "./port.ts";
import { type StartedRedis, startRedisServer } from "./redis-server.ts";

const SLOTS = 16_384;
const PRIMARIES = 3;
/** The time after which a node that does not answer is taken for lost. */
const TIMEOUT_MS = 2000;
const FOREVER_MS = 2_000_000_000;

interface Node extends StartedRedis {
  port: number;
  engine: RedisServer;
}

export interface StartedCluster {
  urls: string[];
  nodes: Node[];
  /** Commands by hand, each at the node that has its key; KEYS and SCRIPT at all primaries. */
  engine: RedisEngine;
  close(): Promise<void>;
}

/** `passTime` is called until the nodes have taken up their work, for those whose clock is a test's: they never take one another for lost. */
export async function startRedisCluster({
  env = {},
  replicas = 0,
  passTime,
}: {
  env?: Record<string, string>;
  replicas?: number;
  passTime?: () => void;
} = {}): Promise<StartedCluster> {
  const nodes = await Promise.all(
    Array.from({ length: PRIMARIES * (1 + replicas) }, () => startNode(env, passTime ? FOREVER_MS : TIMEOUT_MS)),
  );
  const [first] = nodes as [Node];
  const ids = await Promise.all(nodes.map(({ engine }) => ask(engine, "CLUSTER", "MYID")));
  for (const [i, { engine }] of nodes.entries()) await ask(engine, "CLUSTER", "SET-CONFIG-EPOCH", String(i + 1));
  const busPort = async ({ engine }: Node) => ((await engine.send(["CONFIG", "GET", "cluster-port"])) as string[])[1];
  const bus = (await busPort(first)) as string;
  for (const { engine } of nodes.slice(1)) await ask(engine, "CLUSTER", "MEET", "127.0.0.1", String(first.port), bus);
  const knowsAll = async ({ engine }: Node) => {
    const known = String(await engine.send(["CLUSTER", "NODES"]));
    return ids.every((id) => known.includes(String(id))) && !known.includes("handshake");
  };
  await until(async () => (await Promise.all(nodes.map(knowsAll))).every(Boolean));
  for (let i = 0; i < PRIMARIES; i++) {
    const [from, to] = [i, i + 1].map((n) => Math.floor((SLOTS * n) / PRIMARIES)) as [number, number];
    await ask((nodes[i] as Node).engine, "CLUSTER", "ADDSLOTSRANGE", String(from), String(to - 1));
  }
  for (const [i, { engine }] of nodes.slice(PRIMARIES).entries())
    await ask(engine, "CLUSTER", "REPLICATE", String(ids[i % PRIMARIES]));
  const isReady = async ({ engine }: Node, i: number) => {
    const info = String(await engine.send(["CLUSTER", "INFO"]));
    const link = String(await engine.send(["INFO", "replication"]));
    return info.includes("cluster_state:ok") && (i < PRIMARIES || link.includes("master_link_status:up"));
  };
  await until(async () => (await Promise.all(nodes.map(isReady))).every(Boolean), passTime);
  return {
    urls: nodes.map(({ url }) => url),
    nodes,
    engine: engineOf(nodes.slice(0, PRIMARIES)),
    async close() {
      await Promise.all(nodes.map(({ engine, close }) => engine.close().then(close)));
    },
  };
}

async function startNode(env: Record<string, string>, timeoutMs: number): Promise<Node> {
  const settings = {
    "cluster-enabled": "yes",
    "cluster-port": String(await freePort()),
    "cluster-node-timeout": String(timeoutMs),
    // A replica stands for election as soon as it may, however old its data.
    "cluster-replica-validity-factor": "0",
  };
  const server = await startRedisServer(env, settings);
  return { ...server, port: Number(new URL(server.url).port), engine: new RedisServer(new URL(server.url)) };
}

async function ask(engine: RedisServer, ...args: string[]): Promise<Reply> {
  const reply = await engine.send(args);
  if (reply instanceof ErrorReply) throw reply;
  return reply;
}

export async function until(isSo: () => Promise<boolean>, meanwhile: () => void = () => {}): Promise<void> {
  while (!(await isSo())) {
    meanwhile();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function engineOf(primaries: Node[]): RedisEngine {
  const [first] = primaries as [Node];
  return {
    description: "a cluster of redis-servers",
    async send(args) {
      if (["KEYS", "SCRIPT"].includes(args[0] as string)) {
        const replies = await Promise.all(primaries.map(({ engine }) => engine.send(args)));
        return replies.every(Array.isArray) ? replies.flat() : (replies[0] as Reply);
      }
      const reply = await first.engine.send(args);
      const [, port] = reply instanceof ErrorReply ? (/^MOVED \d+ \S+:(\d+)$/.exec(reply.text) ?? []) : [];
      const home = primaries.find((node) => node.port === Number(port));
      return home ? home.engine.send(args) : reply;
    },
    transaction: () => Promise.reject(new Error("a cluster has no transaction over all nodes")),
    subscribe: () => Promise.reject(new Error("nothing here subscribes to a cluster")),
    close: async () => {},
  };
}
