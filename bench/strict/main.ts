/**
 * `npm run bench:strict [-- --operations 1000000] [--workers 4]`: histories of many processes at once on a redis-server
 * behind the gateway, with slow, late and lost commands, and the checker that goes through all of them
 * (test/history). Progress on stderr, one line of result on stdout; exit code 1 when a promise was broken.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { RedisServer } from "@tenure/local/redis/resp";
import { ALLOWANCE_MS, runRound } from "../../test/history/run.ts";

const ROUND = 25_000;

const { values } = parseArgs({
  options: {
    operations: { type: "string", default: "1000000" },
    workers: { type: "string", default: "4" },
  },
});
const operations = wholeNumber("operations", values.operations);
const workers = wholeNumber("workers", values.workers);

const directory = mkdtempSync(join(tmpdir(), "tenure-strict-"));
const port = await freePort();
const server = spawn(
  "redis-server",
  ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", directory],
  { stdio: "ignore" },
);
server.on("error", () => {
  console.error("redis-server could not be started: install it (Debian: apt-get install redis-server)");
  process.exit(1);
});
process.once("exit", () => {
  server.kill();
  rmSync(directory, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const total = { operations: 0, unknownOutcomes: 0, refusedByTime: 0, refusedAfterEnd: 0 };
const violations: string[] = [];
const engine = await connect(new URL(`redis://127.0.0.1:${port}`));
const startedAt = performance.now();
while (total.operations < operations) {
  const wanted = Math.min(ROUND, operations - total.operations);
  const name = `round-${total.operations}`;
  const found = await runRound({ engine, store: "tenure", name, operations: wanted, workers });
  for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += found[key];
  violations.push(...found.violations);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  console.error(`${total.operations} of ${operations} operations, ${violations.length} violations, ${seconds} s`);
}
await engine.close();
for (const violation of violations.slice(0, 20)) console.error(violation);
console.log(
  `${total.operations} operations by ${workers} processes: ${violations.length} violations ` +
    `(allowance ${ALLOWANCE_MS} ms); ${total.unknownOutcomes} outcomes unknown, ` +
    `${total.refusedAfterEnd} refused after their end, ${total.refusedByTime} refused as time had passed`,
);
process.exitCode = violations.length > 0 ? 1 : 0;

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  console.error(`--${name} is a whole number above 0, not ${text}`);
  process.exit(1);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function connect(url: URL): Promise<RedisServer> {
  for (let tried = 0; ; tried++) {
    const engine = new RedisServer(url);
    try {
      await engine.send(["PING"]);
      return engine;
    } catch (error) {
      await engine.close();
      if (tried === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
