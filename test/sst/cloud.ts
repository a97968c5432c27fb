/**
 * As much of AWS as the deployed program needs to work on loopback: a front door that does what the router's function says,
 * functions that are processes with the runtime API, a FIFO queue with its worker, mail, and a table made of what SST would
 * make. Redis and DynamoDB are the real ones where the tests have found them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { Program, Resource } from "./program.ts";
import { viewerRequest } from "./router.ts";

const RUNTIME = fileURLToPath(new URL("lambda-runtime.mjs", import.meta.url));
const END_OF_PRELUDE = Buffer.alloc(8);

async function listen(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ url: string; server: Server }> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

interface Invocation {
  id: string;
  event: unknown;
  timeoutMs: number;
  /** Takes what the function answers, as it comes. */
  answer(request: IncomingMessage): Promise<void>;
  fail(error: Error): void;
}

/** One process of a function: it takes one event at a time. */
class Instance {
  readonly child: ChildProcess;
  output = "";
  private waiting: ServerResponse | undefined;
  private current: Invocation | undefined;
  private readonly server: Server;

  static async start(file: string, env: Record<string, string>): Promise<Instance> {
    let instance: Instance | undefined;
    const { url, server } = await listen((request, response) => void instance?.serve(request, response));
    instance = new Instance(server, file, { ...env, AWS_LAMBDA_RUNTIME_API: new URL(url).host });
    return instance;
  }

  private constructor(server: Server, cwd: string, env: Record<string, string>) {
    this.server = server;
    this.child = spawn(process.execPath, [RUNTIME], {
      cwd,
      env: { PATH: process.env.PATH ?? "", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) stream?.on("data", (chunk) => (this.output += chunk));
    this.child.on("exit", () => {
      this.current?.fail(new Error(`the function's process has ended: ${this.output.slice(-2000)}`));
      server.closeAllConnections();
      server.close();
    });
  }

  get isFree(): boolean {
    return this.waiting !== undefined && this.child.exitCode === null && this.child.signalCode === null;
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
      "Lambda-Runtime-Deadline-Ms": String(Date.now() + timeoutMs),
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

  constructor(resource: Resource, folder: string, env: Record<string, string>) {
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
    const instance = await Instance.start(this.folder, {
      ...environment.variables,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_LAMBDA_FUNCTION_NAME: name,
      LAMBDA_TASK_ROOT: this.folder,
      _HANDLER: handler,
      ...this.env,
    });
    this.instances.push(instance);
    return instance;
  }

  killAll(): void {
    for (const instance of this.instances) instance.kill();
  }
}

export interface Mail {
  to: string;
  from: string;
  text: string;
}

/** SES and SQS, which are called before any function is there. */
export class Services {
  readonly mails: Mail[] = [];
  /** Messages that were delivered as often as the queue allows. */
  readonly deadLetters: string[] = [];
  worker: LambdaFunction | undefined;
  sent = 0;
  private readonly groups = new Map<string, Promise<void>>();
  readonly url: string;
  private readonly server: Server;

  static async start(): Promise<Services> {
    let services: Services | undefined;
    const { url, server } = await listen((request, response) => void services?.serve(request, response));
    services = new Services(url, server);
    return services;
  }

  private constructor(url: string, server: Server) {
    this.url = url;
    this.server = server;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse((await readAll(request)).toString());
    if (!request.headers.authorization?.startsWith("AWS4-HMAC-SHA256 Credential=test/")) {
      response.writeHead(403).end();
    } else if (request.headers["x-amz-target"] === "AmazonSQS.SendMessage") {
      this.sent += 1;
      this.deliver(body.MessageGroupId, body.MessageBody);
      response.writeHead(200).end(JSON.stringify({ MessageId: randomUUID() }));
    } else {
      const { Data: text } = body.Content.Simple.Body.Text;
      this.mails.push({ to: body.Destination.ToAddresses[0], from: body.FromEmailAddress, text });
      response.writeHead(200).end("{}");
    }
  }

  /** In a group one message after the other, each until it is done or was tried three times. */
  private deliver(group: string, body: string): void {
    const before = this.groups.get(group) ?? Promise.resolve();
    this.groups.set(
      group,
      before.then(async () => {
        for (let tries = 0; tries < 3; tries++) {
          const failed = await this.callWorker({ Records: [{ messageId: randomUUID(), body }] }).catch(() => true);
          if (!failed) return;
        }
        this.deadLetters.push(body);
      }),
    );
  }

  /** Resolves to whether it failed. */
  async callWorker(event: object): Promise<boolean> {
    let failed = true;
    await this.worker?.invoke(event, async (request) => {
      const answer = JSON.parse((await readAll(request)).toString()) as { batchItemFailures: unknown[] } | null;
      failed = (answer?.batchItemFailures.length ?? 0) > 0;
    });
    return failed;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

export interface Cloud {
  url: string;
  functions: Record<"Auth" | "Api" | "Worker", LambdaFunction>;
  /** Calls a function as its URL does, past the front door. */
  callDirectly(name: "Auth" | "Api", path: string): Promise<number>;
  close(): void;
}

export async function startCloud(program: Program, services: Services, env: Record<string, string>): Promise<Cloud> {
  const functionOf = (name: string) => {
    const resource = program.resources.find((one) => one.name === `${name}Function`) as Resource;
    return new LambdaFunction(resource, program.bundleOf(name), env);
  };
  const functions = { Auth: functionOf("Auth"), Api: functionOf("Api"), Worker: functionOf("Worker") };
  services.worker = functions.Worker;
  const route = viewerRequest(program);
  const hosts = hostsOf(program);

  const { url, server } = await listen((request, response) => {
    void forward(request, response).catch(() => response.destroy());
  });

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = "/", query = ""] = (request.url ?? "/").split("?");
    const sent = Object.entries(request.headers).map(([name, value]) => [name, { value: [value].flat().join(", ") }]);
    const { headers, origin } = await route({
      uri: path,
      method: request.method ?? "GET",
      headers: Object.fromEntries(sent),
    });
    const name = hosts.get(origin?.domainName ?? "");
    if (!name) return void response.writeHead(404).end();
    const body = await readAll(request);
    const given = Object.entries(headers).map(([header, one]) => [header, one?.value]);
    await call(
      functions[name],
      eventOf(request.method ?? "GET", path, query, Object.fromEntries(given), body),
      response,
    );
  }

  return {
    url,
    functions,
    async callDirectly(name, path) {
      let status = 0;
      const server = await listen(
        (_, response) => void call(functions[name], eventOf("GET", path, "", {}, Buffer.alloc(0)), response),
      );
      status = (await fetch(server.url)).status;
      server.server.close();
      return status;
    },
    close() {
      for (const one of Object.values(functions)) one.killAll();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Which function is behind which host. */
function hostsOf({ resources }: Program): Map<string, "Auth" | "Api"> {
  const hostOf = (path: string) =>
    JSON.parse(
      resources.find(({ name }) => name === `RouterRoute${path}RouteKey.sst.aws.KvKeys`)?.inputs.entries
        .metadata as string,
    ).host as string;
  return new Map([
    [hostOf("/api"), "Api"],
    [hostOf("/api/auth"), "Auth"],
  ]);
}

/** https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-request-payload */
function eventOf(
  method: string,
  rawPath: string,
  rawQueryString: string,
  headers: Record<string, string>,
  body: Buffer,
): object {
  const { cookie, ...others } = headers;
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath,
    rawQueryString,
    headers: { ...others, host: "function.lambda-url.us-east-1.on.aws" },
    ...(cookie && { cookies: cookie.split("; ") }),
    requestContext: { domainName: "function.lambda-url.us-east-1.on.aws", http: { method, path: rawPath } },
    ...(body.length > 0 && { body: body.toString("base64") }),
    isBase64Encoded: body.length > 0,
  };
}

/** The prelude becomes status and headers, the rest goes through as it comes; what breaks off here breaks off there. */
async function call(of: LambdaFunction, event: object, response: ServerResponse): Promise<void> {
  await of.invoke(event, async (request) => {
    let head = Buffer.alloc(0);
    request.once("aborted", () => response.destroy());
    for await (const chunk of request as AsyncIterable<Buffer>) {
      if (response.headersSent) {
        response.write(chunk);
        continue;
      }
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(END_OF_PRELUDE);
      if (end < 0) continue;
      const { statusCode, headers, cookies } = JSON.parse(head.subarray(0, end).toString());
      response.writeHead(statusCode, { ...headers, "Set-Cookie": cookies });
      response.write(head.subarray(end + END_OF_PRELUDE.length));
    }
    response.end();
  });
}
