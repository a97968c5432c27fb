/** DynamoDB on a laptop: dynalite in this process, on loopback, with time to live added. */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { withDeadline } from "@tenure/core/deadline";
import dynalite from "dynalite";
import { ItemStore } from "./item-store.ts";
import { takeOverLevelDb } from "./leveldb.ts";
import { refuseOrPass } from "./refusals.ts";
import { type Answer, type Call, TimeToLive, type TtlRequest } from "./ttl.ts";

export interface LocalDynamo {
  url: string;
  description: string;
  /** Deletes what has expired now, instead of at the sweeper's next round; returns how many items. */
  sweep(): Promise<number>;
  close(): Promise<void>;
}

export interface LocalDynamoOptions {
  /** A directory for the data; nothing is kept when it is left out. */
  path?: string | undefined;
  /** Goes on without what is damaged of the data, where it would throw `misconfigured` otherwise. */
  skipDamage?: boolean | undefined;
  /** Epoch milliseconds by which the sweeper decides. */
  now?: () => number;
  /**
   * AWS says "within a few days"; here a minute by default, so that both sides of it can be seen. With `false` nothing is
   * deleted until `sweep` is called.
   */
  sweepEveryMs?: number | false | undefined;
}

const TARGET = "DynamoDB_20120810.";

export async function startLocalDynamo(options: LocalDynamoOptions = {}): Promise<LocalDynamo> {
  const { path, skipDamage = false, now = Date.now, sweepEveryMs = 60_000 } = options;
  const items = await openItems(path, skipDamage);
  const inner = dynalite({
    createTableMs: 0,
    deleteTableMs: 0,
    updateTableMs: 0,
    items,
  });
  const [dynaliteListener] = inner.listeners("request") as RequestListener[];
  if (!dynaliteListener) throw new Error("dynalite has no request listener");

  const server = createServer((request, response) => {
    const operation = String(request.headers["x-amz-target"] ?? "").replace(TARGET, "");
    if (operation === "UpdateTimeToLive") void answer(request, response, (body) => ttl.update(body));
    else if (operation === "DescribeTimeToLive") void answer(request, response, (body) => ttl.describe(body));
    else void refuseOrPass(request, response, (passed) => dynaliteListener(withoutErrorListeners(passed), response));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ttl = new TimeToLive({
    call: caller(url),
    path: path === undefined ? undefined : join(path, "ttl.json"),
    skipDamage,
    now,
  });

  let sweeping: Promise<unknown> = Promise.resolve();
  const sweepOnTime = () => {
    sweeping = ttl.sweep().catch(() => {});
  };
  const timer = sweepEveryMs === false ? undefined : setInterval(sweepOnTime, sweepEveryMs).unref();

  return {
    url,
    description: path === undefined ? "dynalite, in memory" : `dynalite, data in ${path}`,
    sweep: () => ttl.sweep(),
    async close() {
      clearInterval(timer);
      await sweeping;
      server.closeIdleConnections();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      // Closing dynalite's own server, which never listened, closes its database.
      await new Promise<void>((resolve) => {
        inner.listen(0, "127.0.0.1", () => inner.close(() => resolve()));
      });
      items.close();
    },
  };
}

async function openItems(path: string | undefined, skipDamage: boolean): Promise<ItemStore> {
  if (path === undefined) return new ItemStore();
  const journal = join(path, "items.jsonl");
  await takeOverLevelDb(join(path, "items"), journal, skipDamage);
  return new ItemStore({ path: journal, skipDamage });
}

/** dynalite throws when a client goes away in mid-request, which would end the process. It is not told. */
function withoutErrorListeners(request: IncomingMessage): IncomingMessage {
  request.on("error", () => {});
  const on = request.on.bind(request);
  request.on = (event: string, listener: (...args: never[]) => void) =>
    event === "error" ? request : on(event, listener as () => void);
  return request;
}

const CALL_DEADLINE_MS = 10_000;

/** dynalite wants a signature but does not check it. */
const CREDENTIAL =
  "AWS4-HMAC-SHA256 Credential=local/20200101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0";

function caller(url: string): Call {
  return (operation, body) =>
    withDeadline(CALL_DEADLINE_MS, async (signal) => {
      const response = await fetch(url, {
        method: "POST",
        headers: {
          "Content-Type": "application/x-amz-json-1.0",
          "X-Amz-Target": TARGET + operation,
          "X-Amz-Date": "20200101T000000Z",
          Authorization: CREDENTIAL,
        },
        body: JSON.stringify(body),
        signal,
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handle: (body: TtlRequest) => Promise<Answer>,
): Promise<void> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { status, body } = await handle(JSON.parse(Buffer.concat(chunks).toString("utf8")) as TtlRequest);
    response.writeHead(status, { "Content-Type": "application/x-amz-json-1.0" }).end(JSON.stringify(body));
  } catch {
    response.writeHead(500).end();
  }
}
