/** Functions as processes, each of which takes one event at a time from the runtime API: see lambda-runtime.mjs. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import type { TestClock } from "../support/stores/test-clock.ts";
import { listen, readAll, shut } from "./loopback.ts";
import type { Resource } from "./program.ts";

const RUNTIME = fileURLToPath(new URL("lambda-runtime.mjs", import.meta.url));

interface Invocation {
  id: string;
  event: unknown;
  timeoutMs: number;
  /** Takes what the function answers, as it comes. */
  answer(request: IncomingMessage): Promise<void>;
  fail(error: Error): void;
}

/** A process of a function, which takes one event at a time. */
class Instance {
  readonly child: ChildProcess;
  output = "";
  private waiting: ServerResponse | undefined;
  private current: Invocation | undefined;
  private readonly server: Server;
  private readonly clock: TestClock;

  static async start(file: string, env: Record<string, string>, clock: TestClock): Promise<Instance> {
    let instance: Instance | undefined;
    const { url, server } = await listen((request, response) => void instance?.serve(request, response));
    instance = new Instance(server, clock, file, { ...env, AWS_LAMBDA_RUNTIME_API: new URL(url).host });
    return instance;
  }

  private constructor(server: Server, clock: TestClock, cwd: string, env: Record<string, string>) {
    this.server = server;
    this.clock = clock;
    this.child = spawn(process.execPath, [RUNTIME, String(clock.offsetMs)], {
      cwd,
      env: { PATH: process.env.PATH ?? "", ...env },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) stream?.on("data", (chunk) => (this.output += chunk));
    this.child.on("exit", () => {
      this.current?.fail(new Error(`the function's process has ended: ${this.output.slice(-2000)}`));
      void shut(server);
    });
  }

  private get isAlive(): boolean {
    return !this.child.killed && this.child.exitCode === null;
  }

  get isFree(): boolean {
    return this.waiting !== undefined && this.isAlive;
  }

  /** Resolves when its process has the clock's time. */
  async heedClock(): Promise<void> {
    if (!this.isAlive) return;
    const heard = Promise.race([once(this.child, "message"), once(this.child, "exit")]);
    // An instance that has just died is heard of by its exit.
    this.child.send({ offsetMs: this.clock.offsetMs }, () => {});
    await heard;
  }

  /** To an instance that is free, or that has just been started. */
  give(invocation: Invocation): void {
    this.current = invocation;
    this.hand();
  }

  private hand(): void {
    if (!this.waiting || !this.current) return;
    const { id, event, timeoutMs } = this.current;
    this.waiting.writeHead(200, {
      "Lambda-Runtime-Aws-Request-Id": id,
      "Lambda-Runtime-Deadline-Ms": String(this.clock.now() + timeoutMs),
    });
    this.waiting.end(JSON.stringify(event));
    this.waiting = undefined;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url?.endsWith("/next")) {
      this.waiting = response;
      this.hand();
      return;
    }
    const { current } = this;
    this.current = undefined;
    if (request.url?.endsWith("/error")) current?.fail(new Error((await readAll(request)).toString()));
    else await current?.answer(request).catch((error: Error) => current.fail(error));
    response.writeHead(202).end();
  }

  kill(): void {
    this.child.kill("SIGKILL");
    this.server.closeAllConnections();
  }
}

export class LambdaFunction {
  readonly instances: Instance[] = [];
  /** The function's own timeout when left out. */
  timeoutMs: number;
  private readonly resource: Resource;
  private readonly folder: string;
  private readonly env: Record<string, string>;
  private readonly clock: TestClock;

  constructor(resource: Resource, folder: string, env: Record<string, string>, clock: TestClock) {
    this.clock = clock;
    this.resource = resource;
    this.folder = folder;
    this.env = env;
    this.timeoutMs = resource.inputs.timeout * 1000;
  }

  async invoke(event: unknown, answer: (request: IncomingMessage) => Promise<void>): Promise<void> {
    const free = this.instances.find(({ isFree }) => isFree) ?? (await this.start());
    await new Promise<void>((resolve, reject) => {
      free.give({
        id: randomUUID(),
        event,
        timeoutMs: this.timeoutMs,
        answer: (request) => answer(request).then(resolve),
        fail: reject,
      });
    });
  }

  private async start(): Promise<Instance> {
    const { environment, handler, name } = this.resource.inputs;
    const env = {
      ...environment.variables,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_LAMBDA_FUNCTION_NAME: name,
      LAMBDA_TASK_ROOT: this.folder,
      _HANDLER: handler,
      ...this.env,
    };
    const instance = await Instance.start(this.folder, env, this.clock);
    this.instances.push(instance);
    return instance;
  }

  /** Resolves when all its processes have the clock's time. */
  async heedClock(): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.heedClock()));
  }

  killAll(): void {
    for (const instance of this.instances) instance.kill();
  }
}
