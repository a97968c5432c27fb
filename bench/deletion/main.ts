/**
 * Deletes an account with n threads, each with a run that has ended and its checkpoints, and counts requests to DynamoDB; each
 * takes 5 ms more, as over a network. Prints a table.
 *
 *   npm --prefix bench run deletion -- [--threads 100,1000]
 */
import { Agent, createServer, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { deleteAccount } from "@tenure/functions/deletion";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { openApi } from "../../test/support/service/api.ts";
import { gated, turn } from "../../test/support/service/gated-graph.ts";
import { credentials } from "../../test/support/stores/dynamo.ts";
import { behindGateway } from "../../test/support/stores/redis.ts";

const DELAY_MS = 5;
/** Threads that are made at once. */
const AT_ONCE = 16;

const { threads: asked } = parseArgs({ options: { threads: { type: "string", default: "100,1000" } } }).values;

/** DynamoDB, some milliseconds away, with a count of its requests. */
async function startFarDynamo() {
  const dynamo = await startLocalDynamo();
  const { hostname, port } = new URL(dynamo.url);
  const agent = new Agent({ keepAlive: true });
  const far = { requests: 0, delayMs: 0 };
  const proxy = createServer((request, response) => {
    far.requests += 1;
    const { method, headers } = request;
    const onward = send({ agent, hostname, port, method, headers, path: request.url }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      setTimeout(() => answer.pipe(response), far.delayMs);
    });
    onward.on("error", () => request.socket.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return {
    far,
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    async close() {
      proxy.closeAllConnections();
      proxy.close();
      agent.destroy();
      await dynamo.close();
    },
  };
}

async function measure(n: number): Promise<void> {
  const dynamo = await startFarDynamo();
  const admin = connectDynamo({ endpoint: dynamo.url, region: "local", credentials });
  await ensureTable(admin, "tenure");
  admin.destroy();
  const gateway = await behindGateway(new EmbeddedRedis());
  const api = await openApi({
    redis: { url: gateway.url, token: gateway.token },
    dynamo: { endpoint: dynamo.url, region: "local", credentials },
    graphs: { gated },
  });
  const token = await api.logIn("ada@example.com");
  const headers = { "x-api-key": token };
  const session = await api.request("GET", "/auth/session", { headers });
  const { user } = (await session.json()) as { user: { id: string; email: string } };
  // In its place: a route lets one user begin a hundred runs a minute.
  const run = async () => {
    const made = await api.request("POST", "/threads", { headers, body: { metadata: { graph_id: "gated" } } });
    const { thread_id } = (await made.json()) as { thread_id: string };
    const body = { ...turn(1), assistant_id: "gated" };
    const now = Date.now();
    await api.runner.submit(
      {
        ...{ id: crypto.randomUUID(), threadId: thread_id, owner: user.id, assistantId: "gated", graphId: "gated" },
        ...{ request: { ...body, on_completion: "keep" }, metadata: {}, multitask: "reject" },
        ...{ createdAt: now, startAt: now },
      },
      { here: true },
    );
    await api.runner.idle();
  };
  for (let made = 0; made < n; made += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, n - made) }, run));
    process.stderr.write(`\r${made} of ${n} threads made`);
  }
  process.stderr.write("\r\x1b[K");
  dynamo.far.requests = 0;
  dynamo.far.delayMs = DELAY_MS;
  const start = performance.now();
  const outcome = await deleteAccount(api.deps, api.runner, user, { withinMs: 600_000 });
  const seconds = (performance.now() - start) / 1000;
  const { requests } = dynamo.far;
  process.stdout.write(
    `| ${n} | ${requests} | ${(requests / n).toFixed(2)} | ${seconds.toFixed(1)} s | ${outcome} |\n`,
  );
  await api.close();
  await gateway.close();
  await dynamo.close();
}

process.stdout.write("| threads | requests | a thread | time, 5 ms a request | |\n| --- | --- | --- | --- | --- |\n");
for (const n of asked.split(",").map(Number)) await measure(n);
