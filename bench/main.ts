/**
 * `npm run bench` lists the benches, each with what it needs and whether that is here. `npm run bench -- load agents` runs some of them,
 * one after the other, and `-- --all` runs all. Their tables come on stdout, a line of progress on stderr, and at the end one table of them all.
 * Exits with 1 when one has failed.
 *
 *   npm run bench -- [names] [--all] [-- options of each]
 *
 * A redis-server is started where it is on the PATH. DynamoDB Local and LangGraph's server are named as for the tests: see CONTRIBUTING.md.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  dynamoEndpoint,
  isOnPath,
  isSstInstalled,
  redisUrl,
  referenceServer,
  sstPlatform,
} from "../test/support/stores/found.ts";
import { startRedisServer } from "../test/support/stores/redis-server.ts";
import { type Bench, benches, type Found, type Need, optionsOf } from "./benches.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const HOW: Record<Need, string> = {
  "redis-server": "on the PATH, or TENURE_TEST_REDIS_URL",
  "DynamoDB Local": "TENURE_TEST_DYNAMODB_ENDPOINT",
  "LangGraph's server": "TENURE_TEST_REFERENCE",
  "SST's platform": "npm run sst:platform",
};

const [own, more] = splitAt(process.argv.slice(2), "--");
const { values, positionals } = parseArgs({
  args: own,
  allowPositionals: true,
  options: { all: { type: "boolean", default: false } },
});
const unknown = positionals.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  process.stderr.write(`There is no bench ${unknown.join(", ")}. npm run bench lists them.\n`);
  process.exit(2);
}

const found: Found = {
  ...(redisUrl || isOnPath("redis-server") ? { "redis-server": redisUrl ?? "on the PATH" } : {}),
  ...(dynamoEndpoint && { "DynamoDB Local": dynamoEndpoint }),
  ...(referenceServer && { "LangGraph's server": referenceServer }),
  ...(isSstInstalled && { "SST's platform": sstPlatform }),
};
const absent = (needs: Need[] = []) => needs.filter((need) => found[need] === undefined);
const names = values.all ? Object.keys(benches) : positionals;
if (names.length === 0) list();
else process.exitCode = await runAll(names);

function list(): void {
  const lines = Object.entries(benches).map(([name, { measures, needs = [], takes = [], minutes }]) => {
    const wants = [...needs.map(marked), ...takes.map((need) => `${marked(need)}, if there`)];
    return [name, `${minutes} min`, wants.join("; ") || "nothing", measures];
  });
  process.stdout.write(`${table(["bench", "takes about", "needs (✗: not here)", "measures"], lines)}\n`);
  const lacking = (Object.keys(HOW) as Need[]).filter((need) => found[need] === undefined);
  for (const need of lacking) process.stdout.write(`\n✗ ${need}: ${HOW[need]}`);
  process.stdout.write(
    "\n\nnpm run bench -- <names> runs some, npm run bench -- --all runs all that have what they need.\n",
  );
}

function marked(need: Need): string {
  return `${found[need] === undefined ? "✗ " : ""}${need}`;
}

/** Returns the program's exit code. */
async function runAll(wanted: string[]): Promise<number> {
  installBenches();
  const isRedisWanted = wanted.some((name) =>
    [...(benches[name]?.needs ?? []), ...(benches[name]?.takes ?? [])].includes("redis-server"),
  );
  const redis = isRedisWanted && !redisUrl && found["redis-server"] ? await startRedisServer() : undefined;
  if (redis) found["redis-server"] = redis.url;
  const rows: string[][] = [];
  try {
    for (const [n, name] of wanted.entries()) {
      const bench = benches[name] as Bench;
      const lacking = absent(bench.needs);
      if (lacking.length > 0) {
        rows.push([name, `left out: no ${lacking.join(", no ")}`, "", ""]);
        continue;
      }
      const began = performance.now();
      const code = await runOne(name, bench, `${n + 1} of ${wanted.length}`);
      const without = absent(bench.takes);
      rows.push([
        name,
        code === 0 ? "done" : `failed: ${code}`,
        seconds(began),
        without.length > 0 ? `without ${without.join(", ")}` : "",
      ]);
    }
  } finally {
    await redis?.close();
  }
  process.stdout.write(`\n${table(["bench", "result", "seconds", "beside"], rows)}\n`);
  return rows.some(([, result]) => result?.startsWith("failed")) ? 1 : 0;
}

async function runOne(name: string, bench: Bench, place: string): Promise<number | string> {
  process.stdout.write(`\n## ${name}: ${bench.measures}\n\n`);
  const began = performance.now();
  const prefix = bench.isOfRoot ? [] : ["--prefix", "bench"];
  const child = spawn("npm", [...prefix, "run", "--silent", name, "--", ...optionsOf(name, bench, found), ...more], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "pipe"],
  });
  // The last line that a bench has said of its progress, on one line of the terminal; on no terminal, each.
  let said = "";
  let errors = "";
  const tell = () => {
    const line = `${place}, ${name}: ${seconds(began)} s${said && `, ${said}`}`;
    process.stderr.write(
      process.stderr.isTTY ? `\r\u001b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}` : `${line}\n`,
    );
  };
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = `${errors}${text}`.slice(-4000);
    said = text.trim().split("\n").at(-1) ?? said;
    if (process.stderr.isTTY) tell();
  });
  const ticking = setInterval(tell, process.stderr.isTTY ? 1000 : 15_000);
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  clearInterval(ticking);
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  if (code !== 0) process.stderr.write(errors);
  return code ?? signal ?? "unknown";
}

/** The benches have packages of their own. */
function installBenches(): void {
  if (existsSync(new URL("node_modules", import.meta.url))) return;
  process.stderr.write("npm --prefix bench ci\n");
  const { status } = spawnSync("npm", ["--prefix", "bench", "ci", "--no-audit", "--no-fund"], {
    cwd: ROOT,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(1);
}

function seconds(since: number): string {
  return String(Math.round((performance.now() - since) / 1000));
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function splitAt<T>(all: T[], mark: T): [T[], T[]] {
  const at = all.indexOf(mark);
  return at < 0 ? [all, []] : [all.slice(0, at), all.slice(at + 1)];
}
