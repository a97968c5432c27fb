/** Our sst.config.ts as the real `sst` command line evaluates it, without an account: see pulumi.mjs. */
import { spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { sstPlatform } from "../support/stores/found.ts";
import { type SimulatedAws, startAws } from "./aws.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export interface Resource {
  type: string;
  name: string;
  // biome-ignore lint/suspicious/noExplicitAny: each type of resource has inputs of its own.
  inputs: any;
  /** A component's: what it tells `sst`. */
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  outputs?: any;
  protect?: boolean;
  retainOnDelete?: boolean;
  /** True of what was there before, and is looked up. */
  isRead?: boolean;
}

export interface Program {
  resources: Resource[];
  /** The copy of the project that was evaluated. */
  folder: string;
  /** Where the bundle of a function is. */
  bundleOf(functionName: string): string;
  close(): void;
}

export interface Change {
  file: string;
  from: string;
  to: string;
}

export interface Evaluation {
  stage: string;
  /** The command, `deploy` or `diff` with its flags. */
  command?: string[];
  secrets?: Record<string, string>;
  env?: Record<string, string>;
  /** The changes to this copy of the project. */
  changes?: Change[];
  /** Puts another project than this repository into the folder. */
  copy?: (folder: string) => void;
}

export const secrets = {
  UpstashRedisRestUrl: "https://test.upstash.io",
  UpstashRedisRestToken: "rest-token-of-the-test",
  Pepper: "a pepper of more than thirty-two characters",
};

/** A copy of the project in which the real `sst` can be called, with an AWS account of its own. */
export interface Project {
  folder: string;
  env: Record<string, string | undefined>;
  sst(...args: string[]): Promise<{ code: number; output: string }>;
  /** Sets all of them in one call of `sst`; rejects with its output. */
  setSecrets(stage: string, values?: Record<string, string>): Promise<void>;
  aws: SimulatedAws;
  close(): Promise<void>;
}

export async function openProject({
  env = {},
  changes = [],
  copy = copyRepository,
}: Pick<Evaluation, "env" | "changes" | "copy">): Promise<Project> {
  const folder = mkdtempSync(join(tmpdir(), "tenure-sst-"));
  const aws = await startAws();
  const installedAt = () => statSync(join(sstPlatform, "package.json")).mtimeMs;
  const installed = installedAt();
  const close = async () => {
    rmSync(folder, { recursive: true, force: true });
    await aws.close();
  };
  try {
    copy(folder);
    linkPlatform(folder, env.TENURE_UPSTASH === "1");
    change(folder, changes);
    const environment = {
      ...withoutOurs(process.env),
      TENURE_MAIL_SENDER: "login@example.com",
      XDG_CONFIG_HOME: installPulumi(folder),
      AWS_ENDPOINT_URL: aws.url,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_REGION: "us-east-1",
      AWS_EC2_METADATA_DISABLED: "true",
      // SST is to ask nobody else for anything.
      SST_NO_BUN: "1",
      SST_SKIP_DEPENDENCY_CHECK: "1",
      DO_NOT_TRACK: "1",
      ...env,
    };
    const sst = async (...args: string[]) => {
      const said = await runSst(folder, environment, args);
      if (installedAt() !== installed)
        throw new Error(`sst installed the platform that all tests share: ${said.output}`);
      return said;
    };
    const setSecrets = async (stage: string, values: Record<string, string> = secrets) => {
      const file = join(folder, "secrets.env");
      writeFileSync(
        file,
        Object.entries(values)
          .map(([name, value]) => `${name}=${value}\n`)
          .join(""),
      );
      const { code, output } = await sst("secret", "load", file, "--stage", stage);
      rmSync(file);
      if (code !== 0) throw new Error(`sst secret load ended with ${code}: ${output}`);
    };
    return { folder, env: environment, sst, setSecrets, aws, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Resolves to what would be created; rejects, with what `sst` has said, when the program fails. */
export async function evaluate({
  stage,
  command = ["deploy"],
  env = {},
  changes = [],
  copy,
  ...rest
}: Evaluation): Promise<Program> {
  const project = await openProject({ env, changes, ...(copy && { copy }) });
  const manifest = join(project.folder, "manifest.json");
  project.env.TENURE_SST_MANIFEST = manifest;
  try {
    await project.setSecrets(stage, rest.secrets);
    const said = await project.sst(...command, "--stage", stage);
    const { resources, error } = existsSync(manifest)
      ? (JSON.parse(readFileSync(manifest, "utf8")) as { resources: Resource[]; error?: string })
      : { resources: [], error: "the program was not evaluated" };
    if (said.code !== 0 || error) throw new Error(`${error ?? ""}\n${said.output}`);
    // As in Lambda, where no bundle finds a package that it does not hold.
    const bundles = `${project.folder}-bundles`;
    const built = join(project.folder, ".sst/artifacts");
    if (existsSync(built)) renameSync(built, bundles);
    return {
      resources,
      folder: project.folder,
      bundleOf: (name) => join(bundles, `${name}-src`),
      close() {
        for (const folder of [project.folder, bundles]) rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(project.folder, { recursive: true, force: true });
    throw error;
  } finally {
    await project.aws.close();
  }
}

/** Everything that the program and its bundles are made of; installed packages by reference. */
function copyRepository(project: string): void {
  const left = new Set(["node_modules", "dist", ".sst"]);
  for (const name of ["sst.config.ts", "package.json", "tsconfig.base.json", "infra", "packages", "test/support"])
    cpSync(join(ROOT, name), join(project, name), { recursive: true, filter: (path) => !left.has(basename(path)) });
  symlinkSync(join(ROOT, "node_modules"), join(project, "node_modules"));
}

/**
 * Links the platform that all projects share. Without a lock of its providers SST would install them again, into the shared
 * folder, under the hands of the tests beside it.
 */
function linkPlatform(project: string, withUpstash: boolean): void {
  const lock = withUpstash ? "provider-lock.upstash.json" : "provider-lock.json";
  mkdirSync(join(project, ".sst"));
  symlinkSync(sstPlatform, join(project, ".sst/platform"));
  cpSync(join(sstPlatform, "..", lock), join(project, ".sst/provider-lock.json"));
}

function change(project: string, changes: Change[]): void {
  for (const { file, from, to } of changes) {
    const before = readFileSync(join(project, file), "utf8");
    if (!before.includes(from)) throw new Error(`${file} has no ${JSON.stringify(from)} to be changed`);
    writeFileSync(join(project, file), before.replace(from, to));
  }
}

function installPulumi(project: string): string {
  const home = join(project, ".home");
  mkdirSync(join(home, "sst/bin"), { recursive: true });
  const script = fileURLToPath(new URL("pulumi.mjs", import.meta.url));
  writeFileSync(join(home, "sst/bin/pulumi"), `#!/bin/sh\nexec "${process.execPath}" "${script}" "$@"\n`);
  chmodSync(join(home, "sst/bin/pulumi"), 0o755);
  return home;
}

const withoutOurs = (env: NodeJS.ProcessEnv) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !/^(TENURE_|VITEST|NODE_ENV|npm_)/.test(name)));

/** Catches what hangs. */
const DEADLINE_MS = 600_000;

function runSst(cwd: string, env: NodeJS.ProcessEnv, args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(join(ROOT, "node_modules/.bin/sst"), args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    const late = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
    child.on("close", (code) => {
      clearTimeout(late);
      resolve({ code: code ?? 1, output });
    });
  });
}
