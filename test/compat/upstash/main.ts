/**
 * The own tests of @upstash/redis and @upstash/ratelimit, run against the gateway and the embedded engine:
 *
 *   npm run compat:upstash -- <path to a checkout of upstash/redis-js or upstash/ratelimit-js> [a part of the tests' paths]
 *
 * The checkout has its dependencies installed, and bun, by which these tests run, is on the PATH or named by TENURE_TEST_BUN. Prints what
 * failed and why: for want of a command that packages/local/README.md does not claim, for want of the internet, or as differences.ts says. Exit
 * code 1 for a failure of any other kind.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startGateway } from "@tenure/local/gateway/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { differences } from "./differences.ts";
import { type Failure, failuresOf, kindOf } from "./results.ts";

/** The databases that the tests ask for, each an engine of its own: one, and those of three regions. */
const DATABASES = ["", "EU2_", "US1_", "APN_"];
const SUITES = { redis: "packages/redis", ratelimit: "." };
const PARTS = { redis: "pkg", ratelimit: "src" };

const [checkout, part = ""] = process.argv.slice(2);
const name = (["redis", "ratelimit"] as const).find(
  (one) => checkout && existsSync(resolve(checkout, SUITES[one], PARTS[one])),
);
if (!checkout || !name) {
  console.error("Name a checkout of upstash/redis-js or upstash/ratelimit-js: npm run compat:upstash -- ../redis-js");
  process.exit(2);
}

const gateways = await Promise.all(DATABASES.map(() => startGateway({ engine: new EmbeddedRedis(), token: "token" })));
const addresses = DATABASES.flatMap((prefix, i) => [
  [`${prefix}UPSTASH_REDIS_REST_URL`, gateways[i]?.url],
  [`${prefix}UPSTASH_REDIS_REST_TOKEN`, "token"],
]);
const folder = mkdtempSync(join(tmpdir(), "tenure-compat-"));
const report = join(folder, "report.xml");
try {
  const flags = ["--timeout", "120000", "--reporter=junit", `--reporter-outfile=${report}`];
  const child = spawn(process.env.TENURE_TEST_BUN ?? "bun", ["test", join(PARTS[name], part), ...flags], {
    cwd: resolve(checkout, SUITES[name]),
    env: { ...process.env, ...Object.fromEntries(addresses), UPSTASH_DISABLE_TELEMETRY: "1" },
    stdio: ["ignore", "ignore", "ignore"],
  });
  await new Promise((done, fail) => child.once("error", fail).once("close", done));
  process.exitCode = tell(name, readFileSync(report, "utf8"));
} finally {
  for (const gateway of gateways) await gateway.close();
  rmSync(folder, { recursive: true, force: true });
}

/** Prints the results, and returns the exit code. */
function tell(suite: string, xml: string): number {
  const { tests, failures } = failuresOf(xml);
  const faults: Failure[] = [];
  const reasons = new Map<string, number>();
  for (const failure of failures) {
    const reason =
      kindOf(failure) ??
      differences.find((one) => failure.file.endsWith(one.file) && failure.name.includes(one.test ?? ""))?.reason;
    if (reason === undefined) faults.push(failure);
    else reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  console.log(`@upstash/${suite}: ${tests - failures.length} of ${tests} tests passed`);
  for (const [reason, count] of [...reasons].sort(([, a], [, b]) => b - a)) console.log(`  ${count} failed: ${reason}`);
  for (const { file, name, message } of faults) console.log(`  FAULT ${file} > ${name}: ${message.split("\n")[0]}`);
  return faults.length > 0 || tests === 0 ? 1 : 0;
}
