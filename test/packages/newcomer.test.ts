/**
 * docs/newcomer.md, typed as it stands: a project is made by the packed packages in an empty folder outside the repository, from a
 * registry on loopback and without another network; it is served, changed, asked, tested and packed. Then it is deployed, as far as
 * the real `sst` does that without an account. In the long form with each Node.js that is found.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { startGateway } from "@tenure/local/gateway/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { document, ROOT } from "../docs/markdown.ts";
import { pattern, type Step, steps } from "../docs/transcript.ts";
import { startCloud } from "../sst/cloud.ts";
import { evaluate, secrets } from "../sst/program.ts";
import { Services } from "../sst/services.ts";
import { isLong, WAIT_MS } from "../support/runner/size.ts";
import { credentials } from "../support/stores/dynamo.ts";
import { isSstInstalled, nodePrograms, sstPlatform } from "../support/stores/found.ts";
import { freePort } from "../support/stores/port.ts";
import { installFolder } from "./folder.ts";
import { type Registry, startRegistry } from "./registry.ts";

const MARK = "end-of-command";
const SERVERS = ["npm run dev", "npm start"];

let registry: Registry;
let folder: string;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.close());

/** Two terminals: a shell for what is typed, and a server that goes on beside it. */
class Terminals {
  private readonly env: NodeJS.ProcessEnv;
  private readonly shell: ChildProcess;
  private readonly port: number;
  private server: ChildProcess | undefined;
  private printed = "";
  private served = "";
  private cwd: string;

  constructor(cwd: string, port: number, env: NodeJS.ProcessEnv) {
    this.cwd = cwd;
    this.port = port;
    this.env = { ...env, PORT: String(port) };
    this.shell = spawn("bash", [], { cwd, env: this.env, stdio: ["pipe", "pipe", "pipe"], detached: true });
    for (const stream of [this.shell.stdout, this.shell.stderr])
      stream?.on("data", (chunk) => {
        this.printed += chunk;
      });
  }

  /** The output of a step, with the port that the document names. */
  async perform({ command, file, expected }: Step): Promise<string> {
    const said = await this.outputOf(command, file, expected);
    return said.replaceAll(`localhost:${this.port}`, "localhost:3000").trimEnd();
  }

  close(): void {
    for (const child of [this.shell, this.server])
      if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, "SIGKILL");
  }

  private async outputOf(command: string, file: Step["file"], expected: string): Promise<string> {
    if (file) {
      writeFileSync(join(this.cwd, file.path), file.text);
      return "";
    }
    if (command === "") {
      const lines = expected.trimEnd().split("\n").length;
      const last = () => this.served.trimEnd().split("\n").slice(-lines).join("\n");
      await expect.poll(last).toMatch(pattern(expected));
      return this.heard().trimEnd().split("\n").slice(-lines).join("\n");
    }
    if (SERVERS.includes(command)) {
      this.server = spawn("npm", command.split(" ").slice(1), { cwd: this.cwd, env: this.env, detached: true });
      for (const stream of [this.server.stdout, this.server.stderr])
        stream?.on("data", (chunk) => {
          this.served += chunk;
        });
      await expect.poll(() => this.served).toContain("Ctrl-C stops it");
      return this.heard();
    }
    if (command === "^C") {
      const closed = new Promise((resolve) => this.server?.once("close", resolve));
      // To the whole group, as a terminal does.
      process.kill(-(this.server?.pid as number), "SIGINT");
      await closed;
      return this.heard();
    }
    if (command.startsWith("cd ")) this.cwd = join(this.cwd, command.slice(3));
    this.printed = "";
    this.shell.stdin?.write(`${command.replaceAll("localhost:3000", `localhost:${this.port}`)}\necho ${MARK}\n`);
    await expect.poll(() => this.printed, { timeout: WAIT_MS }).toContain(`${MARK}\n`);
    return this.printed.replace(`${MARK}\n`, "");
  }

  private heard(): string {
    const said = this.served;
    this.served = "";
    return said;
  }
}

describe.each(isLong ? nodePrograms : nodePrograms.slice(0, 1))("a newcomer with %s", (node) => {
  beforeAll(() => {
    folder = installFolder("newcomer-");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Nothing of this run's own, and npm with another registry and a cache of its own. */
  const env = (): NodeJS.ProcessEnv => ({
    ...Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(TENURE_|VITEST|NODE_|npm_|AWS_)/.test(name)),
    ),
    PATH: `${dirname(node)}${delimiter}${process.env.PATH}`,
    npm_config_registry: registry.url,
    npm_config_cache: join(folder, "cache"),
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_update_notifier: "false",
  });
  const project = () => join(folder, "my-app");

  it("creates, changes, asks, tests and packs a project, as it is written", async () => {
    const all = steps(document("docs/newcomer.md").text);
    expect(all.length).toBeGreaterThan(20);
    const terminals = new Terminals(folder, await freePort(), env());
    try {
      for (const step of all) {
        const actual = await terminals.perform(step);
        if (!pattern(step.expected).test(actual))
          expect(`line ${step.line}: ${actual}`).toBe(`line ${step.line}: ${step.expected.trimEnd()}`);
      }
    } finally {
      terminals.close();
    }
    const { stdout } = await promisify(execFile)("tar", ["-tzf", join(project(), "my-app-0.1.0.tgz")]);
    const packed = stdout.trim().split("\n");
    expect(packed).toEqual(expect.arrayContaining(["package/sst.config.ts", "package/src/tools/days-between.ts"]));
    expect(packed.filter((path) => /node_modules|\.tenure|\.sst|\.tgz/.test(path))).toEqual([]);
  });

  it("has each command that the program's help names", async () => {
    const program = join(project(), "node_modules/.bin/tenure");
    const { stdout } = await promisify(execFile)(program, ["--help"], { cwd: project(), env: env() });
    const named = [...stdout.matchAll(/^ {2}npm (?:run )?(\S+)/gm)].map(([, name]) => name as string);
    expect(named).toContain("reset");
    const { scripts } = JSON.parse(readFileSync(join(project(), "package.json"), "utf8"));
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  it("serves nothing in another folder than a project's", async () => {
    const program = join(project(), "node_modules/.bin/tenure");
    for (const command of ["start", "dev"])
      await expect(promisify(execFile)(program, [command], { cwd: folder, env: env() })).rejects.toMatchObject({
        ...{ code: 1, stdout: "" },
        stderr: expect.stringMatching(/^tenure: \S+ has no src\/app\.ts: go to the project's folder, .*\n$/),
      });
    expect(existsSync(join(folder, ".tenure"))).toBe(false);
  });

  it("has the versions of this repository", () => {
    const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
      packages: Record<string, { version?: string }>;
    };
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(project(), "package.json"), "utf8"),
    ) as Record<string, Record<string, string>>;
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
      if (!name.startsWith("@tenure/"))
        expect(`${name} ${version}`).toBe(`${name} ${packages[`node_modules/${name}`]?.version}`);
  });

  describe.skipIf(!isSstInstalled)("to AWS", () => {
    const copy = (to: string) => {
      cpSync(project(), to, {
        recursive: true,
        filter: (path) => !["node_modules", ".tenure", ".sst"].includes(basename(path)),
      });
      symlinkSync(join(project(), "node_modules"), join(to, "node_modules"));
    };

    it.runIf(isLong)("has a deployment that compiles against SST's platform", async () => {
      mkdirSync(join(project(), ".sst"));
      symlinkSync(sstPlatform, join(project(), ".sst/platform"));
      const tsc = join(project(), "node_modules/typescript/bin/tsc");
      const said = await promisify(execFile)(node, [tsc, "--noEmit", "-p", "infra"], { cwd: project() }).catch(
        ({ stdout }: { stdout: string }) => ({ stdout }),
      );
      expect(said.stdout).toBe("");
    });

    it("is what the real sst would deploy: its name, its graph and Tenure's site", async () => {
      const program = await evaluate({ stage: "dev", copy });
      try {
        const names = program.resources.filter(({ type }) => type.endsWith(":Function")).map(({ name }) => name);
        expect(names).toEqual(expect.arrayContaining(["AuthFunction", "ApiFunction", "WorkerFunction"]));
        const bundle = (name: string) => readFileSync(join(program.bundleOf(name), "bundle.mjs"), "utf8");
        for (const name of ["Api", "Worker"]) expect(bundle(name)).toContain("days_between");
        expect(bundle("Auth")).not.toContain("days_between");
        const site = program.resources.find(({ type }) => type === "sst:aws:StaticSite");
        expect(site).toBeDefined();
        expect(existsSync(join(project(), "node_modules/@tenure/web/dist/site/index.html"))).toBe(true);
        const identity = program.resources.find(({ type }) => type.endsWith("ConfigurationSet"));
        expect(identity?.inputs.configurationSetName).toBe("my-app-dev-mail");
      } finally {
        program.close();
      }
    });

    it.runIf(isLong)("answers as it does on a laptop, by the functions that sst has built", async () => {
      const close: (() => unknown)[] = [];
      try {
        const gateway = await startGateway({ engine: new EmbeddedRedis(), token: "token" });
        close.push(() => gateway.close());
        const services = await Services.start();
        close.push(() => services.close());
        const dynamo = await startLocalDynamo();
        close.push(() => dynamo.close());
        const program = await evaluate({
          ...{ stage: "dev", copy, env: { TENURE_SST_QUEUES: services.url } },
          secrets: { ...secrets, UpstashRedisRestUrl: gateway.url, UpstashRedisRestToken: "token" },
        });
        close.push(() => program.close());
        const table = program.resources.find(({ type }) => type.endsWith("dynamodb/table:Table"))?.inputs
          .name as string;
        const client = connectDynamo({ endpoint: dynamo.url, region: "us-east-1", credentials });
        await ensureTable(client, table);
        client.destroy();
        const cloud = await startCloud(program, services, {
          AWS_ENDPOINT_URL_DYNAMODB: dynamo.url,
          AWS_ENDPOINT_URL_SESV2: services.url,
        });
        close.push(() => cloud.close());
        const ask = async (path: string, body?: object, headers: Record<string, string> = {}) =>
          (await fetch(`${cloud.url}/api${path}`, {
            ...(body && { method: "POST", body: JSON.stringify(body) }),
            headers: { "Content-Type": "application/json", ...headers },
          }).then((answer) => answer.json())) as Record<string, string> & { messages: { content: string }[] };
        const { challenge } = await ask("/auth/code", { email: "ada@example.com" });
        const code = /\b\d{6}\b/.exec(services.mails.at(-1)?.text ?? "")?.[0];
        const { token = "" } = await ask("/auth/verify", { challenge, code });
        expect(await ask("/me", undefined, { "x-api-key": token })).toEqual({ email: "ada@example.com" });
        const content = "How many days between the dates from: 2026-01-01, to: 2026-03-01?";
        const input = { messages: [{ role: "user", content }] };
        const { messages } = await ask("/runs/wait", { assistant_id: "agent", input }, { "x-api-key": token });
        expect(messages[2]?.content).toBe("59 days");
      } finally {
        for (const undo of close.reverse()) await undo();
      }
    });
  });
});
