/**
 * `npm test` and its like: builds what the tests run, runs vitest, and leaves nothing behind, however it ends. Every
 * temporary folder of a run is made in one folder, which goes at the end; every process of a run is in one process
 * group, which is ended with it, also after Ctrl-C. Arguments go to vitest: `npm test -- test/http -t "logs out"`.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import "../../../scripts/check-node.cjs";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 };

const require = createRequire(import.meta.url);
const binary = (name, file) => join(dirname(require.resolve(`${name}/package.json`)), file);

let group;
let stopped;
/** Sends a signal to all processes of the step under way; false when there are none left. */
function signal(name) {
  try {
    process.kill(-group, name);
    return true;
  } catch {
    return false;
  }
}
for (const name of Object.keys(SIGNALS))
  process.on(name, () => {
    // The second time somebody is in a hurry.
    signal(stopped ? "SIGKILL" : name);
    stopped = name;
  });

/** Ends the processes of a run that have a group of their own, as Chromium has: their temporary folder is the run's. */
function endStrays() {
  if (process.platform !== "linux") return;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid))
    try {
      if (readFileSync(`/proc/${pid}/environ`, "utf8").includes(`TMPDIR=${folder}\0`))
        process.kill(Number(pid), "SIGKILL");
    } catch {
      // Ended meanwhile, or somebody else's.
    }
}

/** Runs one step in a process group of its own; resolves to its exit code when no process of it is left. */
async function step(args, env) {
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: "inherit", detached: true });
  group = child.pid;
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, name) => resolve(code ?? 128 + (SIGNALS[name] ?? 9)));
  });
  signal("SIGKILL");
  endStrays();
  return code;
}

const folder = mkdtempSync(join(tmpdir(), "tenure-tests-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 50 }));
// The things that tools keep for next time go as well: Biome's cache, Chromium's settings.
const env = {
  ...process.env,
  TMPDIR: folder,
  XDG_CACHE_HOME: join(folder, "cache"),
  XDG_CONFIG_HOME: join(folder, "config"),
};

const steps = [
  [binary("typescript", "bin/tsc"), "--build"],
  [binary("vite", "bin/vite.js"), "build", "packages/web", "--logLevel", "warn"],
  [binary("vitest", "vitest.mjs"), "run", ...process.argv.slice(2)],
];
let code = 0;
for (const args of steps) if (code === 0 && !stopped) code = await step(args, env);
process.exit(stopped ? 128 + SIGNALS[stopped] : code);
