/** Two processes of the API on the same stores, served on loopback, with a way to Redis that can be cut. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Client } from "@langchain/langgraph-sdk";
import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { openApi, type TestApi } from "./api.ts";
import { credentials } from "./dynamo.ts";
import { behindGateway } from "./redis.ts";
import { slow } from "./slow-graph.ts";

export interface SlowValues {
  messages: { type: string; content: string }[];
  taken: number;
}

export const LEASE = { leaseMs: 1500, heartbeatMs: 300 };

interface ApiProcess extends TestApi {
  apiUrl: string;
  clientOf(apiKey: string): Client<SlowValues>;
}

interface SharedStores {
  /** What the way to Redis does, and how many commands have gone it. */
  redis: { away: boolean; commands: number };
  start(): Promise<ApiProcess>;
  close(): Promise<void>;
}

async function openSharedStores(): Promise<SharedStores> {
  const redis = { away: false, commands: 0 };
  const dynamo = await startLocalDynamo();
  const admin = connectDynamo({ endpoint: dynamo.url, region: "local", credentials });
  await ensureTable(admin, "tenure");
  admin.destroy();
  const gateway = await behindGateway(new EmbeddedRedis());
  const proxy = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (redis.away) return void request.socket.destroy();
    redis.commands += 1;
    const answer = await fetch(gateway.url + request.url, {
      method: "POST",
      headers: request.headers as Record<string, string>,
      body: Buffer.concat(chunks),
    });
    response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return {
    redis,
    async start() {
      const opened = await openApi({
        redis: { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, token: gateway.token },
        dynamo: { endpoint: dynamo.url, region: "local", credentials },
        codePolicy: { resendMs: 0 },
        leasePolicy: LEASE,
        graphs: { slow },
      });
      const apiUrl = await opened.serve();
      const clientOf = (apiKey: string) => new Client<SlowValues>({ apiUrl, apiKey, callerOptions: { maxRetries: 0 } });
      return { ...opened, apiUrl, clientOf };
    },
    async close() {
      proxy.closeAllConnections();
      proxy.close();
      await gateway.close();
      await dynamo.close();
    },
  };
}

interface Pair {
  stores: SharedStores;
  one: ApiProcess;
  token: string;
  /** Of the first process, and of the second, both of the same user. */
  client: Client<SlowValues>;
  elsewhere: Client<SlowValues>;
  newThread(): Promise<string>;
  close(): Promise<void>;
}

export async function startPair(): Promise<Pair> {
  const stores = await openSharedStores();
  const [one, two] = [await stores.start(), await stores.start()];
  const token = await one.logIn("ada@example.com");
  const client = one.clientOf(token);
  return {
    ...{ stores, one, token, client },
    elsewhere: two.clientOf(token),
    newThread: async () => (await client.threads.create()).thread_id,
    async close() {
      await one.close();
      await two.close();
      await stores.close();
    },
  };
}

/** The input of a turn of the slow graph. */
export const turn = (steps: number, pauseMs: number, content = "go") => ({
  input: { messages: [{ role: "user", content }], steps, pauseMs },
});

export interface RawEvent {
  id: string;
  event: string;
  data: string;
}

/** The events of a raw stream, up to so many; the connection is then reset. */
export async function rawEvents(
  url: string,
  token: string,
  { headers = {}, body, upTo = Infinity }: { headers?: object; body?: object; upTo?: number } = {},
): Promise<{ found: RawEvent[]; response: Response }> {
  const abort = new AbortController();
  const response = await fetch(url, {
    method: body ? "POST" : "GET",
    headers: { "x-api-key": token, ...headers },
    ...(body && { body: JSON.stringify(body) }),
    signal: abort.signal,
  });
  const found: RawEvent[] = [];
  let text = "";
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  for (;;) {
    const { value: chunk, done } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done || !chunk) break;
    text += decoder.decode(chunk, { stream: true });
    const parts = text.split("\n\n");
    text = parts.pop() ?? "";
    for (const part of parts) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(part)?.[1] ?? "";
      if (field("event")) found.push({ id: field("id"), event: field("event"), data: field("data") });
      if (found.length >= upTo) {
        abort.abort();
        return { found, response };
      }
    }
  }
  return { found, response };
}
