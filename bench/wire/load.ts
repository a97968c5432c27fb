/**
 * Many clients stream runs at once, of this server and of LangGraph's own, one after the other: how long the first event
 * and the first token take, how many events come a second, the servers' processor time, and what the memory does. Tables on stdout, progress on stderr.
 *
 *   npm --prefix bench run load -- [--reference <folder with @langchain/langgraph-api>] [--streams 200] [--seconds 60]
 *     [--places 100] [--redis redis://127.0.0.1:6379/5 --dynamodb http://127.0.0.1:8000 [--processes 1]]
 *
 * Ours with its durability on: the local stack, its stores in a thread of its process; or the API on servers of their own, as it is
 * deployed, with the gateway that stands for Upstash in a process of its own, and as many processes of the API as are
 * asked for.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Client } from "@langchain/langgraph-sdk";
import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { openWindows } from "@tenure/local/limits";
import { RedisServer } from "@tenure/local/redis/resp";
import { graphFactory } from "../../test/compat/fixture.ts";
import { chat } from "../../test/reference/graphs.ts";
import { startReference } from "../../test/reference/server.ts";
import { openApi } from "../../test/support/service/api.ts";
import { startTestStack } from "../../test/support/service/stack.ts";
import { credentials } from "../../test/support/stores/dynamo.ts";
import { behindGateway } from "../../test/support/stores/redis.ts";

interface Measured {
  name: string;
  runs: number;
  failed: number;
  events: number;
  seconds: number;
  firstMs: number[];
  /** The first event of a message. */
  tokenMs: number[];
  rssMb: [early: number, late: number];
  /** Processor time of the servers, user and system. */
  cpuMs: number;
}

/** Milliseconds after the time in which runs are begun, by which every run must have ended. */
const GRACE_MS = 60_000;

const options = {
  reference: { type: "string" },
  redis: { type: "string" },
  dynamodb: { type: "string" },
  processes: { type: "string", default: "1" },
  places: { type: "string" },
  streams: { type: "string", default: "200" },
  seconds: { type: "string", default: "60" },
} as const;

const factory = graphFactory(chat);
const graphs = { ...(factory && { chat: factory }) };

/** The parts of this program's children, by name; each resolves to the message by which the child says that it is ready. */
const parts: Record<string, (...args: string[]) => Promise<object>> = {
  async stack(places = "") {
    const stack = await startTestStack(places ? { maxActiveRuns: Number(places) } : {}, { graphs, apart: true });
    return { url: stack.api, token: await stack.logIn("load@example.com") };
  },

  async gateway(redis = "") {
    const { url, token } = await behindGateway(new RedisServer(new URL(redis)));
    return { url, token };
  },

  async api(url = "", token = "", dynamodb = "") {
    const dynamo = { endpoint: dynamodb, region: "local", credentials };
    const admin = connectDynamo(dynamo);
    await ensureTable(admin, "tenure");
    const opened = await openApi(
      { redis: { url, token, deadlineMs: 10_000 }, dynamo, graphs, codePolicy: { resendMs: 0 } },
      // A single user begins the runs of all streams, beyond any limit.
      { windows: openWindows },
    );
    return { url: await opened.serve(), token: await opened.logIn(`load-${process.pid}@example.com`) };
  },
};

interface Part {
  child: ChildProcess;
  url: string;
  token: string;
}

function start(part: string, ...args: string[]): Promise<Part> {
  const child = fork(fileURLToPath(import.meta.url), ["part", part, ...args], { execArgv: process.execArgv });
  return new Promise((resolve, reject) => {
    child.once("message", (ready) => resolve({ child, ...(ready as { url: string; token: string }) }));
    child.once("exit", (code) => reject(new Error(`${part} ended with ${code}`)));
  });
}

interface Measuring {
  name: string;
  /** Each stream has one of these. */
  clients: Client[];
  pids: number[];
  streams: number;
  seconds: number;
}

async function measure({ name, clients, pids, streams, seconds }: Measuring): Promise<Measured> {
  const measured: Measured = {
    ...{ name, runs: 0, failed: 0, events: 0, seconds: 0 },
    ...{ firstMs: [], tokenMs: [], rssMb: [0, 0], cpuMs: 0 },
  };
  const cpuBefore = cpuMs(pids);
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const watch = setInterval(() => {
    const rss = pids.reduce((sum, pid) => sum + rssMb(pid), 0);
    if (elapsed() < seconds / 3) measured.rssMb[0] = Math.max(measured.rssMb[0], rss);
    else if (elapsed() > (seconds * 2) / 3) measured.rssMb[1] = Math.max(measured.rssMb[1], rss);
    process.stderr.write(`${name}: ${Math.round(elapsed())} s, ${measured.runs} runs, ${Math.round(rss)} MB\n`);
  }, 5000);
  const one = async (n: number) => {
    const client = clients[n % clients.length] as Client;
    while (elapsed() < seconds)
      try {
        const { thread_id } = await client.threads.create();
        const asked = performance.now();
        let [isFirst, isToken] = [true, false];
        const input = { messages: [{ role: "user", content: `hello ${n}, ${"how are you? ".repeat(100)}` }] };
        for await (const { event } of client.runs.stream(thread_id, "chat", {
          input,
          streamMode: ["values", "messages-tuple"],
        })) {
          if (isFirst) measured.firstMs.push(performance.now() - asked);
          isFirst = false;
          if (!isToken && event.startsWith("messages")) {
            isToken = true;
            measured.tokenMs.push(performance.now() - asked);
          }
          measured.events += 1;
        }
        measured.runs += 1;
      } catch (error) {
        measured.failed += 1;
        process.stderr.write(`${name}: ${String(error).slice(0, 200)}\n`);
      }
  };
  let open = streams;
  const ended = Promise.all(Array.from({ length: streams }, (_, n) => one(n).finally(() => open--)));
  const late = AbortSignal.timeout(seconds * 1000 + GRACE_MS);
  await Promise.race([ended, once(late, "abort")]);
  // A stream that has not ended by then is stuck.
  measured.failed += open;
  clearInterval(watch);
  measured.seconds = elapsed();
  measured.cpuMs = cpuMs(pids) - cpuBefore;
  return measured;
}

const rssMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;

/** Milliseconds of a clock tick as the kernel tells processor time to programs. */
const TICK_MS = 10;

/** User and system time, of proc(5): the 14th and 15th field, of which the second may have spaces. */
function cpuMs(pids: number[]): number {
  const ticks = pids.map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, one) => sum + one, 0) * TICK_MS;
}

const quantile = (numbers: number[], q: number) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length * q)] ?? Number.NaN;

async function main(): Promise<void> {
  const { values } = parseArgs({ options });
  const [streams, seconds] = [Number(values.streams), Number(values.seconds)];
  const results: Measured[] = [];
  // The SDK's clients let four requests begin at a time unless told otherwise.
  const callerOptions = { maxConcurrency: streams, maxRetries: 0 };
  const { redis, dynamodb } = values;
  const gateway = redis && dynamodb ? await start("gateway", redis) : undefined;
  const servers: Part[] = [];
  if (gateway)
    while (servers.length < Number(values.processes))
      servers.push(await start("api", gateway.url, gateway.token, dynamodb ?? ""));
  else servers.push(await start("stack", values.places ?? ""));
  results.push(
    await measure({
      name: gateway ? `Tenure, ${servers.length} process(es) on servers` : "Tenure, stores in a thread of its process",
      clients: servers.map(({ url, token }) => new Client({ apiUrl: url, apiKey: token, callerOptions })),
      pids: servers.map(({ child }) => child.pid ?? 0),
      ...{ streams, seconds },
    }),
  );
  for (const { child } of [...servers, ...(gateway ? [gateway] : [])]) {
    child.removeAllListeners("exit");
    child.disconnect();
  }
  if (values.reference) {
    const { url, pid, close } = await startReference(values.reference);
    results.push(
      await measure({
        name: "@langchain/langgraph-api 1.5.1",
        clients: [new Client({ apiUrl: url, callerOptions })],
        pids: [pid],
        ...{ streams, seconds },
      }),
    );
    await close();
  }
  const line = (cells: (string | number)[]) => `| ${cells.join(" | ")} |`;
  const head = [
    "server",
    "streams",
    "runs",
    "failed",
    "events a second",
    "first event, median ms",
    "95 % ms",
    "first token, median ms",
    "95 % ms",
    "CPU ms a run",
    "CPU µs an event",
    "memory, first third MB",
    "last third MB",
  ];
  console.log([line(head), line(head.map(() => "---"))].join("\n"));
  for (const { name, runs, failed, events, seconds, firstMs, tokenMs, rssMb, cpuMs } of results)
    console.log(
      line([
        name,
        streams,
        runs,
        failed,
        Math.round(events / seconds),
        Math.round(quantile(firstMs, 0.5)),
        Math.round(quantile(firstMs, 0.95)),
        Math.round(quantile(tokenMs, 0.5)),
        Math.round(quantile(tokenMs, 0.95)),
        (cpuMs / runs).toFixed(1),
        Math.round((cpuMs / events) * 1000),
        ...rssMb.map(Math.round),
      ]),
    );
  const [ours, theirs] = results;
  if (ours && theirs) {
    const rate = ({ events, seconds }: Measured) => events / seconds;
    console.log(
      `\nevents a second, ours to theirs: ${(rate(ours) / rate(theirs)).toFixed(2)}; first event, theirs to ours: ${(quantile(theirs.firstMs, 0.5) / quantile(ours.firstMs, 0.5)).toFixed(2)}; first token: ${(quantile(theirs.tokenMs, 0.5) / quantile(ours.tokenMs, 0.5)).toFixed(2)}; CPU an event, ours to theirs: ${(ours.cpuMs / ours.events / (theirs.cpuMs / theirs.events)).toFixed(2)}`,
    );
  }
  process.exit(0);
}

const [, , role, part = "", ...args] = process.argv;
if (role === "part") {
  process.on("disconnect", () => process.exit());
  process.send?.(await parts[part]?.(...args));
} else await main();
