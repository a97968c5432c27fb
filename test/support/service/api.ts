/** The API without a server in front of it, on stores that a test chooses. */
import { EventEmitter, once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { createApi } from "@tenure/functions/api";
import { createDeps, type Deps, type ServiceConfig } from "@tenure/functions/deps";
import { Runner, type RunnerOptions } from "@tenure/functions/runs/runner";

export const PEPPER = "a pepper of more than thirty-two characters";
export const SITE = "http://localhost";

/** For a store's answer: in one process it is late when the machine is busy, not when the store is away. */
const PATIENCE_MS = 60_000;

export interface TestApi {
  deps: Deps;
  runner: Runner;
  /** The code that was last sent, to whomever. */
  sent: () => string;
  /** `body` is sent as JSON, and `text` as it is. */
  request(
    method: string,
    path: string,
    options?: { headers?: HeadersInit; body?: unknown; text?: string },
  ): Promise<Response>;
  /** Logs in as a program does, and returns the token. */
  logIn(email: string): Promise<string>;
  /** Serves it on loopback, at a port that is free, and says where the API is. */
  serve(): Promise<string>;
  /** Resolves when the server sees that the answer to the next request for this path is over, read or broken off. */
  answered(path: string): Promise<void>;
  close(): Promise<void>;
}

export async function openApi(
  {
    maxActive,
    ...config
  }: Pick<ServiceConfig, "redis" | "dynamo"> & Partial<ServiceConfig> & Pick<RunnerOptions, "maxActive">,
  replaced: Partial<Deps> | ((made: Deps) => Partial<Deps>) = {},
  /** Connected stores, in place of those that `config` leads to. */
  stores?: Parameters<typeof createDeps>[1],
): Promise<TestApi> {
  let code = "";
  const told: ServiceConfig = {
    tableName: "tenure",
    pepper: PEPPER,
    addressOf: () => "192.0.2.1",
    mailer: {
      async sendCode(mail) {
        code = mail.code;
      },
    },
    ...config,
    redis: { deadlineMs: PATIENCE_MS, ...config.redis },
    dynamo: { requestTimeoutMs: PATIENCE_MS, ...config.dynamo },
  };
  const made = await createDeps(told, stores);
  const deps = { ...made, ...(typeof replaced === "function" ? replaced(made) : replaced) };
  const runner = new Runner(deps, { maxActive });
  const api = createApi(deps, runner);
  const request: TestApi["request"] = async (method, path, { headers, body, text } = {}) =>
    api.request(`${SITE}/api${path}`, {
      method,
      ...(headers && { headers }),
      ...(text !== undefined ? { body: text } : body !== undefined && { body: JSON.stringify(body) }),
    });
  let server: Server | undefined;
  const answers = new EventEmitter();
  return {
    ...{ deps, runner, request },
    sent: () => code,
    async logIn(email) {
      const asked = await request("POST", "/auth/code", { body: { email } });
      const { challenge } = (await asked.json()) as { challenge: string };
      const verified = await request("POST", "/auth/verify", { body: { challenge, code } });
      return ((await verified.json()) as { token: string }).token;
    },
    async serve() {
      server = await new Promise<Server>((resolve) => {
        const made = serve({ fetch: api.fetch, port: 0, hostname: "127.0.0.1" }, () => resolve(made)) as Server;
      });
      server.on("request", ({ url = "" }, response) => response.once("close", () => answers.emit(url)));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
    },
    async answered(path) {
      await once(answers, `/api${path}`);
    },
    async close() {
      await runner.stop();
      server?.closeAllConnections();
      server?.close();
      deps.close();
    },
  };
}
