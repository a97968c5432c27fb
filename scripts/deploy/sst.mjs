/** The `sst` command line of this project. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COMMAND = join(ROOT, "node_modules/.bin/sst");

export const isInstalled = () => existsSync(COMMAND);
/** The components that sst.config.ts is made of, which `sst install` brings. */
export const isPlatformInstalled = () => existsSync(join(ROOT, ".sst/platform/node_modules"));

/** Resolves to the exit code and to what was printed, if it was not inherited; `deadlineMs` ends it. */
export function sst(args, { stdio = ["ignore", "pipe", "pipe"], deadlineMs } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(COMMAND, args, { cwd: ROOT, stdio, timeout: deadlineMs, killSignal: "SIGKILL" });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk) => {
        output += chunk;
      });
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code: code ?? signal, output }));
  });
}
