/**
 * Costs of a run's events: processor time to write one as JSON, the bytes that go to Redis, and the memory that they take there.
 *
 *   npm --prefix bench run events -- --redis redis://127.0.0.1:6379/5
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { AIMessageChunk } from "@langchain/core/messages";
import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { openWindows } from "@tenure/local/limits";
import { RedisServer } from "@tenure/local/redis/resp";
import { EventJson } from "../../packages/functions/src/agent/runs/execution/event-json.ts";
import { stringify } from "../../packages/functions/src/http/json.ts";
import { graphFactory } from "../../test/compat/fixture.ts";
import { chat } from "../../test/reference/graphs.ts";
import { openApi } from "../../test/support/service/api.ts";
import { credentials } from "../../test/support/stores/dynamo.ts";
import { behindGateway } from "../../test/support/stores/redis.ts";

const { values } = parseArgs({ options: { redis: { type: "string", default: "redis://127.0.0.1:6379/5" } } });

const metadata = {
  ...{ tags: [], thread_id: "0199b8a2-0000-7000-8000-000000000000", run_id: "0199b8a2-0000-7000-8000-000000000001" },
  ...{ graph_id: "chat", assistant_id: "6d792855-0d5b-5a3e-9c1b-2f6f6a1e7d11", user_id: "user_0" },
  ...{ langgraph_step: 1, langgraph_node: "answer", langgraph_triggers: ["branch:to:answer"] },
  ...{ langgraph_path: ["__pregel_pull", "answer"], langgraph_checkpoint_ns: "answer:0199b8a2-0000-7000" },
  ...{ __pregel_task_id: "0199b8a2-0000-7000-8000-000000000002", checkpoint_ns: "answer:0199b8a2-0000-7000" },
  ...{ ls_provider: "words", ls_model_type: "chat" },
};

/** Microseconds of processor time for each call. */
function cpuOf(work: () => unknown, times = 50_000): number {
  for (let n = 0; n < times / 5; n++) work();
  const before = process.cpuUsage();
  for (let n = 0; n < times; n++) work();
  return process.cpuUsage(before).user / times;
}

const token = () => [new AIMessageChunk({ content: "hello ", id: "answer-1" }), metadata];
const made = cpuOf(token);
const json = new EventJson();
console.log(`Node.js ${process.version}\n\n| a token's JSON | CPU, µs |\n| --- | --- |`);
console.log(`| written whole | ${(cpuOf(() => stringify(token())) - made).toFixed(1)} |`);
const text = () => json.textOf({ event: "messages", data: token() });
console.log(`| its fields, and the metadata once | ${(cpuOf(text) - made).toFixed(1)} |`);

const redis = new RedisServer(new URL(values.redis));
const gateway = await behindGateway(redis);
let sent = 0;
const counting = createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray());
  sent += body.length;
  const { authorization = "" } = request.headers;
  const answer = await fetch(gateway.url, { method: "POST", headers: { authorization }, body });
  response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
});
await new Promise<void>((resolve) => counting.listen(0, "127.0.0.1", resolve));
const local = await startLocalDynamo();
const dynamo = { endpoint: local.url, region: "local", credentials };
await ensureTable(connectDynamo(dynamo), "tenure");
const factory = graphFactory(chat);
const api = await openApi(
  {
    redis: { url: `http://127.0.0.1:${(counting.address() as AddressInfo).port}`, token: gateway.token },
    ...{ dynamo, graphs: { ...(factory && { chat: factory }) } },
  },
  { windows: openWindows },
);
const headers = {
  Authorization: `Bearer ${await api.logIn("events@example.com")}`,
  "Content-Type": "application/json",
};
const input = { messages: [{ role: "user", content: `hello, ${"how are you? ".repeat(100)}` }] };
const body = { assistant_id: "chat", input, stream_mode: ["values", "messages-tuple"] };
async function runOnce(): Promise<{ run: string; wire: number }> {
  const { thread_id } = (await (await api.request("POST", "/threads", { headers, body: {} })).json()) as {
    thread_id: string;
  };
  sent = 0;
  const answer = await api.request("POST", `/threads/${thread_id}/runs/stream`, { headers, body });
  const wire = (await answer.text()).length;
  return { run: /runs\/([^/]+)/.exec(answer.headers.get("Content-Location") ?? "")?.[1] ?? "", wire };
}
// The server knows the scripts after the first.
await runOnce();
const { run, wire } = await runOnce();
const key = `run:{${run}}:events`;
const [events, memory] = [await redis.send(["XLEN", key]), await redis.send(["MEMORY", "USAGE", key, "SAMPLES", "0"])];
console.log(`\n| a run of ${events} events | bytes |\n| --- | --- |`);
console.log(`| to the client | ${wire} |\n| to Redis, all requests of the run | ${sent} |\n| in Redis | ${memory} |`);
process.exit(0);
