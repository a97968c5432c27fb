/**
 * Many clients stream runs at once, of this server and of LangGraph's own, one after the other: how long the first event
 * takes, how many events come a second, and what the memory does. Tables on stdout, progress on stderr.
 *
 *   npm --prefix bench run load -- [--reference <folder with @langchain/langgraph-api>] [--streams 200] [--seconds 60]
 *
 * Ours with its durability on: checkpoints in dynalite and events in the embedded Redis, all in one process.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Client } from "@langchain/langgraph-sdk";
import { graphFactory } from "../../test/compat/fixture.ts";
import { startTestStack } from "../../test/engines/stack.ts";
import { chat } from "../../test/reference/graphs.ts";
import { startReference } from "../../test/reference/server.ts";

interface Measured {
  name: string;
  runs: number;
  failed: number;
  events: number;
  seconds: number;
  firstMs: number[];
  rssMb: [early: number, late: number];
}

/** How long after the last run was begun all must have ended. */
const GRACE_MS = 60_000;

const options = {
  reference: { type: "string" },
  redis: { type: "string" },
  dynamodb: { type: "string" },
  streams: { type: "string", default: "200" },
  seconds: { type: "string", default: "60" },
} as const;

async function serve(): Promise<void> {
  const factory = graphFactory(chat);
  const { redis, dynamodb } = parseArgs({ options, args: process.argv.slice(3) }).values;
  const engines = {
    ...(redis && { redisUrl: new URL(redis) }),
    ...(dynamodb && { dynamoEndpoint: new URL(dynamodb) }),
  };
  const stack = await startTestStack(engines, { ...(factory && { graphs: { chat: factory } }) });
  process.on("disconnect", () => process.exit());
  process.send?.({ url: stack.api, token: await stack.logIn("load@example.com") });
}

async function measure(name: string, client: Client, pid: number, streams: number, seconds: number): Promise<Measured> {
  const measured: Measured = { name, runs: 0, failed: 0, events: 0, seconds: 0, firstMs: [], rssMb: [0, 0] };
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const watch = setInterval(() => {
    const rss = rssMb(pid);
    if (elapsed() < seconds / 3) measured.rssMb[0] = Math.max(measured.rssMb[0], rss);
    else if (elapsed() > (seconds * 2) / 3) measured.rssMb[1] = Math.max(measured.rssMb[1], rss);
    process.stderr.write(`${name}: ${Math.round(elapsed())} s, ${measured.runs} runs, ${Math.round(rss)} MB\n`);
  }, 5000);
  const one = async (n: number) => {
    while (elapsed() < seconds)
      try {
        const { thread_id } = await client.threads.create();
        const asked = performance.now();
        let isFirst = true;
        const input = { messages: [{ role: "user", content: `hello ${n}, ${"how are you? ".repeat(100)}` }] };
        for await (const _ of client.runs.stream(thread_id, "chat", {
          input,
          streamMode: ["values", "messages-tuple"],
        })) {
          if (isFirst) measured.firstMs.push(performance.now() - asked);
          isFirst = false;
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
  // One that has not ended by then is stuck.
  measured.failed += open;
  clearInterval(watch);
  measured.seconds = elapsed();
  return measured;
}

const rssMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;

const quantile = (numbers: number[], q: number) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length * q)] ?? Number.NaN;

async function main(): Promise<void> {
  const { values } = parseArgs({ options });
  const [streams, seconds] = [Number(values.streams), Number(values.seconds)];
  const results: Measured[] = [];
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), ["serve", ...process.argv.slice(2)], {
    execArgv: process.execArgv,
  });
  const { url, token } = await new Promise<{ url: string; token: string }>((resolve) =>
    child.once("message", resolve as never),
  );
  // One client for all would let four requests begin at a time.
  const callerOptions = { maxConcurrency: streams, maxRetries: 0 };
  results.push(
    await measure(
      "Tenure",
      new Client({ apiUrl: url, apiKey: token, callerOptions }),
      child.pid ?? 0,
      streams,
      seconds,
    ),
  );
  child.disconnect();
  if (values.reference) {
    const reference = await startReference(values.reference);
    results.push(
      await measure(
        "@langchain/langgraph-api 1.5.1",
        new Client({ apiUrl: reference.url, callerOptions }),
        reference.pid,
        streams,
        seconds,
      ),
    );
    await reference.close();
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
    "memory, first third MB",
    "last third MB",
  ];
  console.log([line(head), line(head.map(() => "---"))].join("\n"));
  for (const { name, runs, failed, events, seconds, firstMs, rssMb } of results)
    console.log(
      line([
        name,
        streams,
        runs,
        failed,
        Math.round(events / seconds),
        Math.round(quantile(firstMs, 0.5)),
        Math.round(quantile(firstMs, 0.95)),
        ...rssMb.map(Math.round),
      ]),
    );
  const [ours, theirs] = results;
  if (ours && theirs) {
    const rate = ({ events, seconds }: Measured) => events / seconds;
    console.log(
      `\nevents a second, ours to theirs: ${(rate(ours) / rate(theirs)).toFixed(2)}; first event, theirs to ours: ${(quantile(theirs.firstMs, 0.5) / quantile(ours.firstMs, 0.5)).toFixed(2)}`,
    );
  }
  process.exit(0);
}

if (process.argv[2] === "serve") await serve();
else await main();
