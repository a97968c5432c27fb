/**
 * Two processes of the API on the same stores and with the same clock, served on loopback, with a way to Redis that can be
 * cut. Their one graph is the gated one.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Client } from "@langchain/langgraph-sdk";
import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import type { RunnerOptions } from "@tenure/functions/runs/runner";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { credentials } from "../stores/dynamo.ts";
import { behindGateway } from "../stores/redis.ts";
import { TestClock } from "../stores/test-clock.ts";
import { openApi, type TestApi } from "./api.ts";
import { type Gate, startGates } from "./gate.ts";
import { gated } from "./gated-graph.ts";

export interface GatedValues {
  messages: { type: string; content: string }[];
  taken: number;
}

/** A heartbeat by which another process' wish is heard soon; a lease lapses only when the clock is moved. */
const HEARTBEAT_MS = 200;

interface ApiProcess extends TestApi {
  apiUrl: string;
  clientOf(apiKey: string): Client<GatedValues>;
}

interface SharedStores {
  /** The proxy to Redis: `away` breaks every connection, and `commands` counts the requests that it has passed on. */
  redis: { away: boolean; commands: number };
  /** The clock of all processes. */
  clock: TestClock;
  newGate(): Gate;
  start(options?: PairOptions): Promise<ApiProcess>;
  close(): Promise<void>;
}

async function openSharedStores(): Promise<SharedStores> {
  const redis = { away: false, commands: 0 };
  const clock = new TestClock();
  const gates = await startGates();
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
    ...{ redis, clock, newGate: gates.add },
    async start(options) {
      const opened = await openApi({
        redis: { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, token: gateway.token },
        dynamo: { endpoint: dynamo.url, region: "local", credentials },
        codePolicy: { resendMs: 0 },
        leasePolicy: { heartbeatMs: HEARTBEAT_MS },
        graphs: { gated },
        clock,
        ...options,
      });
      const apiUrl = await opened.serve();
      const clientOf = (apiKey: string) =>
        new Client<GatedValues>({ apiUrl, apiKey, callerOptions: { maxRetries: 0 } });
      return { ...opened, apiUrl, clientOf };
    },
    async close() {
      proxy.closeAllConnections();
      proxy.close();
      await gateway.close();
      await dynamo.close();
      await gates.close();
    },
  };
}

type PairOptions = Pick<RunnerOptions, "maxActive">;

interface Pair {
  stores: SharedStores;
  one: ApiProcess;
  token: string;
  /** Of the first process, and of the second, both of the same user. */
  client: Client<GatedValues>;
  elsewhere: Client<GatedValues>;
  newThread(): Promise<string>;
  close(): Promise<void>;
}

/** `maxActive`: as of each process' Runner. */
export async function startPair(options: PairOptions = {}): Promise<Pair> {
  const stores = await openSharedStores();
  const [one, two] = [await stores.start(options), await stores.start(options)];
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

export interface RawEvent {
  id: string;
  event: string;
  data: string;
}

interface RawRequest {
  headers?: object;
  body?: object;
}

/** The answer to a request, as text that is read as it comes. */
export class RawStream {
  readonly response: Response;
  private readonly chunks: ReadableStreamDefaultReader<Uint8Array> | undefined;
  private readonly decoder = new TextDecoder();
  private readonly abort: AbortController;
  private text = "";

  static async open(url: string, token: string, { headers = {}, body }: RawRequest = {}): Promise<RawStream> {
    const abort = new AbortController();
    const response = await fetch(url, {
      method: body ? "POST" : "GET",
      headers: { "x-api-key": token, ...headers },
      ...(body && { body: JSON.stringify(body) }),
      signal: abort.signal,
    });
    return new RawStream(response, abort);
  }

  private constructor(response: Response, abort: AbortController) {
    this.response = response;
    this.abort = abort;
    this.chunks = response.body?.getReader();
  }

  /** Reads one chunk more and returns all that has come; undefined when that was all. */
  async more(): Promise<string | undefined> {
    const { value, done } = (await this.chunks?.read()) ?? { done: true, value: undefined };
    if (done) return undefined;
    this.text += this.decoder.decode(value, { stream: true });
    return this.text;
  }

  /** Resolves when the text has this in it. */
  async until(wanted: string): Promise<void> {
    while (!this.text.includes(wanted))
      if ((await this.more()) === undefined) throw new Error(`there is no ${wanted} in ${this.text}`);
  }

  /** The whole text, once it has ended. */
  async rest(): Promise<string> {
    while ((await this.more()) !== undefined);
    return this.text;
  }

  reset(): void {
    this.abort.abort();
  }
}

/** The events of a raw stream, up to so many; the connection is then reset. */
export async function rawEvents(
  url: string,
  token: string,
  { upTo = Infinity, ...request }: RawRequest & { upTo?: number } = {},
): Promise<{ found: RawEvent[]; response: Response }> {
  const stream = await RawStream.open(url, token, request);
  const { response } = stream;
  for (let text = await stream.more(); text !== undefined; text = await stream.more()) {
    const found = eventsIn(text);
    if (found.length < upTo) continue;
    stream.reset();
    return { found: found.slice(0, upTo), response };
  }
  return { found: eventsIn(await stream.rest()), response };
}

/** The events that have come whole. */
function eventsIn(text: string): RawEvent[] {
  return text
    .split("\n\n")
    .slice(0, -1)
    .map((part) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(part)?.[1] ?? "";
      return { id: field("id"), event: field("event"), data: field("data") };
    })
    .filter(({ event }) => event !== "");
}
