/**
 * Resident memory of a process that serves the API, after 1,000 and after 5,000 runs of the repository's agent, each on a thread of its own:
 * the median of ten looks a second apart, once nothing is under way. A table on stdout, progress on stderr.
 *
 *   npm --prefix bench run rss -- --redis redis://127.0.0.1:6379/5 --dynamodb http://127.0.0.1:8000 [--marks 1000,5000] [--at-once 16] [--cache 32]
 *
 * The stores are other processes, so that what they hold is not counted. `--cache` is the checkpoint cache in MB: a Lambda function's is 32. Without
 * the addresses the local stack's own engines answer, in a process of their own.
 */
import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { openWindows } from "@tenure/local/limits";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { RedisServer } from "@tenure/local/redis/resp";
import { openApi } from "../../test/support/service/api.ts";
import { credentials } from "../../test/support/stores/dynamo.ts";
import { behindGateway } from "../../test/support/stores/redis.ts";

interface Addresses {
  url: string;
  token: string;
  dynamodb?: string;
}

/** The parts of this program's children; each resolves to the message by which the child says that it is ready. */
const parts: Record<string, (...args: string[]) => Promise<object>> = {
  async stores(redis = "", dynamodb = "") {
    const { url, token } = await behindGateway(redis ? new RedisServer(new URL(redis)) : new EmbeddedRedis());
    return { url, token, dynamodb: dynamodb || (await startLocalDynamo()).url };
  },

  async api(url = "", token = "", endpoint = "", cacheMb = "32") {
    const dynamo = { endpoint, region: "local", credentials };
    const tableName = `rss-${process.pid}`;
    await ensureTable(connectDynamo(dynamo), tableName);
    const opened = await openApi(
      { redis: { url, token }, dynamo, tableName, checkpointCacheBytes: Number(cacheMb) * 1024 * 1024 },
      { windows: openWindows },
    );
    return { url: await opened.serve(), token: await opened.logIn("rss@example.com") };
  },
};

function start(part: string, ...args: string[]): Promise<{ child: ChildProcess; said: Addresses }> {
  const child = fork(fileURLToPath(import.meta.url), ["part", part, ...args], { execArgv: process.execArgv });
  return new Promise((resolve, reject) => {
    child.once("message", (said) => resolve({ child, said: said as Addresses }));
    child.once("exit", (code) => reject(new Error(`${part} ended with ${code}`)));
  });
}

const rssMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      redis: { type: "string", default: "" },
      dynamodb: { type: "string", default: "" },
      marks: { type: "string", default: "1000,5000" },
      "at-once": { type: "string", default: "16" },
      cache: { type: "string", default: "32" },
    },
  });
  const marks = values.marks.split(",").map(Number);
  const stores = await start("stores", values.redis, values.dynamodb);
  const { url, token, dynamodb = "" } = stores.said;
  const api = await start("api", url, token, dynamodb, values.cache);
  const headers = { Authorization: `Bearer ${api.said.token}`, "Content-Type": "application/json" };
  const post = async (path: string, body: object) => {
    const answer = await fetch(`${api.said.url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    return answer.text();
  };
  let done = 0;
  const one = async () => {
    const { thread_id } = JSON.parse(await post("/threads", {})) as { thread_id: string };
    const input = { messages: [{ role: "user", content: `hello ${done}, what is 17 * 23, and what else is there?` }] };
    const asked = { assistant_id: "agent", input, stream_mode: ["values", "messages-tuple"] };
    if (!(await post(`/threads/${thread_id}/runs/stream`, asked)).includes("event: values"))
      throw new Error("a run has told no values");
    done += 1;
    if (done % 100 === 0) process.stderr.write(`${done} runs, ${Math.round(rssMb(api.child.pid ?? 0))} MB\n`);
  };
  const rows: [number, number][] = [];
  for (const mark of marks) {
    let left = mark - done;
    const worker = async () => {
      while (left-- > 0) await one();
    };
    await Promise.all(Array.from({ length: Number(values["at-once"]) }, worker));
    const looks: number[] = [];
    for (let n = 0; n < 10; n++) {
      await pause(1000);
      looks.push(rssMb(api.child.pid ?? 0));
    }
    rows.push([mark, looks.toSorted((a, b) => a - b)[5] ?? 0]);
  }
  const [[, first] = [0, 1]] = rows;
  console.log(`Node.js ${process.version}, a checkpoint cache of ${values.cache} MB\n`);
  console.log("| runs | resident memory, MB | to the first |\n| --- | --- | --- |");
  for (const [runs, mb] of rows) console.log(`| ${runs} | ${Math.round(mb)} | ${(mb / first).toFixed(2)} |`);
  for (const { child } of [api, stores]) {
    child.removeAllListeners("exit");
    child.disconnect();
  }
  process.exit(0);
}

const [, , role, part = "", ...args] = process.argv;
if (role === "part") {
  process.on("disconnect", () => process.exit());
  process.send?.(await parts[part]?.(...args));
} else await main();
