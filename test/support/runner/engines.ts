/** Starts the engines of the machine that a run uses, and says in one line which were not found. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isOnPath, isRedisFound, missing } from "../stores/found.ts";
import { startRedisServer } from "../stores/redis-server.ts";

/** Runs before the tests, which inherit the environment; returns what ends the engines after them. */
export default async function setup(): Promise<() => Promise<void>> {
  const { env } = process;
  const folder = mkdtempSync(join(tmpdir(), "engines-"));
  const redis = env.TENURE_TEST_REDIS_URL || !isRedisFound ? undefined : await startRedisServer();
  if (redis) env.TENURE_TEST_REDIS_URL = redis.url;
  if (process.platform === "linux" && isRedisFound && isOnPath("cc"))
    env.TENURE_TEST_MOVED_CLOCK = compile("moved-clock", folder);

  const lacking = missing();
  process.stdout.write(`engines not found: ${lacking.length > 0 ? lacking.join("; ") : "none"}\n`);
  if (env.TENURE_TEST_REQUIRE_ENGINES && lacking.length > 0)
    throw new Error(`TENURE_TEST_REQUIRE_ENGINES is set, but these were not found: ${lacking.join("; ")}`);
  return async () => {
    await redis?.close();
    rmSync(folder, { recursive: true, force: true });
  };
}

/** The shared library of a C file in stores/; undefined when it cannot be compiled here. */
function compile(name: string, folder: string): string | undefined {
  const library = join(folder, `${name}.so`);
  const source = fileURLToPath(new URL(`../stores/${name}.c`, import.meta.url));
  return spawnSync("cc", ["-shared", "-fPIC", "-O2", "-o", library, source]).status === 0 ? library : undefined;
}
