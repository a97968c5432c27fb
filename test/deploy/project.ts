/** A project in a temporary folder in which `npm run deploy` runs, with a stand-in for `sst` that notes what it was called with. */
import { spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** In place of the `sst` command: it lists the secrets that a file holds, and "deploys" to the address in another. */
const SST = `#!/usr/bin/env node
const { appendFileSync, mkdirSync, readFileSync, writeFileSync } = require("node:fs");
const args = process.argv.slice(2);
appendFileSync("calls", args.join(" ") + "\\n");
if (args[0] === "secret") {
  const secrets = Object.entries(JSON.parse(readFileSync("secrets.json", "utf8")));
  if (secrets.length === 0) {
    console.log("\\u2715  No secrets found");
    process.exit(1);
  }
  console.log("# fallback\\nPepper=of the fallback\\n\\n# tenure/staging");
  for (const [name, value] of secrets) console.log(name + "=" + value);
} else {
  const { code, url } = JSON.parse(readFileSync("deployment.json", "utf8"));
  if (url) {
    mkdirSync(".sst", { recursive: true });
    writeFileSync(".sst/outputs.json", JSON.stringify({ url }));
  }
  process.exit(code);
}
`;

/**
 * For a script whose time a test holds: its deadlines pass when the test says so, by `lapse`, and its pauses take a hundredth of
 * their time.
 */
export const HELD_TIME = `data:text/javascript,${encodeURIComponent(`
  import { syncBuiltinESMExports } from "node:module";
  import timers from "node:timers/promises";
  const deadlines = new Set();
  AbortSignal.timeout = () => {
    const deadline = new AbortController();
    deadlines.add(deadline);
    return deadline.signal;
  };
  process.on("SIGUSR2", () => {
    for (const one of deadlines) one.abort(new DOMException("the deadline has passed", "TimeoutError"));
  });
  const pause = timers.setTimeout;
  timers.setTimeout = (ms, ...rest) => pause(ms / 100, ...rest);
  syncBuiltinESMExports();
`)}`;

export interface Outcome {
  code: number | null;
  output: string;
}

export class DeployProject {
  readonly folder = mkdtempSync(join(tmpdir(), "tenure-deploy-"));

  constructor() {
    const at = (path: string) => join(this.folder, path);
    cpSync(join(ROOT, "scripts"), at("scripts"), { recursive: true });
    mkdirSync(at("node_modules/.bin"), { recursive: true });
    writeFileSync(at("node_modules/.bin/sst"), SST);
    chmodSync(at("node_modules/.bin/sst"), 0o755);
    writeFileSync(at("node_modules/package.json"), "{}");
    symlinkSync(join(ROOT, "node_modules/@aws-sdk"), at("node_modules/@aws-sdk"));
    symlinkSync(join(ROOT, "packages"), at("packages"));
    mkdirSync(at(".sst/platform/node_modules"), { recursive: true });
    this.deploysTo({ code: 0 });
  }

  holds(secrets: Record<string, string>): void {
    writeFileSync(join(this.folder, "secrets.json"), JSON.stringify(secrets));
  }

  deploysTo(deployment: { code: number; url?: string }): void {
    writeFileSync(join(this.folder, "deployment.json"), JSON.stringify(deployment));
  }

  removePlatform(): void {
    rmSync(join(this.folder, ".sst"), { recursive: true });
  }

  /** The arguments of each call of the stand-in for `sst` so far. */
  get calls(): string[] {
    const file = join(this.folder, "calls");
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  }

  private running: Script | undefined;

  /** Runs the command with this environment and nothing else of the tests'. */
  run(args: string[], env: Record<string, string>): Promise<Outcome> {
    this.running = startScript(join(this.folder, "scripts/deploy.mjs"), args, {
      HOME: this.folder,
      NODE_OPTIONS: `--import=${HELD_TIME}`,
      ...env,
    });
    return this.running.outcome;
  }

  /** Lets all deadlines of the running command pass. */
  lapse(): void {
    this.running?.lapse();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface Script {
  outcome: Promise<Outcome>;
  /** Lets all its deadlines pass, with `HELD_TIME`. */
  lapse(): void;
}

export function startScript(file: string, args: string[], env: Record<string, string>, input = ""): Script {
  const child = spawn(process.execPath, [file, ...args], {
    env: { PATH: process.env.PATH ?? "", AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true", ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  // The command may have ended without having read.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const outcome = new Promise<Outcome>((resolve) => child.once("close", (code) => resolve({ code, output })));
  return { outcome, lapse: () => void child.kill("SIGUSR2") };
}
