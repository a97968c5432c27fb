import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LocalConfig } from "@tenure/local/config";
import { type Stack, type StackOptions, startStack } from "@tenure/local/stack";
import { dynamoEndpoint, redisUrl } from "../stores/found.ts";
import { freePort } from "../stores/port.ts";

/** The sets of engines to run the whole API on. Each test file has a Redis database of its own. */
export function stackEngines(database: number): { name: string; engines: Partial<LocalConfig> }[] {
  const sets: { name: string; engines: Partial<LocalConfig> }[] = [{ name: "embedded engines", engines: {} }];
  if (redisUrl && dynamoEndpoint)
    sets.push({
      name: "redis-server and DynamoDB Local",
      engines: { redisUrl: new URL(`/${database}`, redisUrl), dynamoEndpoint: new URL(dynamoEndpoint) },
    });
  return sets;
}

export interface TestStack {
  url: string;
  api: string;
  /** Stops the stack and starts it again on the same data. */
  restart(): Promise<void>;
  close(): Promise<void>;
  /** As the stack's: deletes what has expired from the embedded DynamoDB, and returns how many items. */
  sweep(): Promise<number>;
  /** A request to the API; `body` is sent as JSON, or as it is when it is text. */
  request(
    method: string,
    path: string,
    options?: { token?: string; headers?: HeadersInit; body?: unknown },
  ): Promise<Response>;
  /** Asks for a code and finds it in the mailbox. */
  askCode(email: string): Promise<{ challenge: string; code: string }>;
  /** Logs in as a program does, and returns the token. */
  logIn(email: string): Promise<string>;
}

export async function startTestStack(
  engines: Partial<LocalConfig> = {},
  options: Partial<StackOptions> = {},
): Promise<TestStack> {
  const dataDir = mkdtempSync(join(tmpdir(), "tenure-test-"));
  const port = await freePort();
  const config: LocalConfig = { port, dataDir, limits: "off", cookie: "host", ...engines };
  const start = (): Promise<Stack> => startStack(config, { onMail: () => {}, ...options });
  let stack = await start();
  const api = `${stack.url}/api`;

  const test: TestStack = {
    url: stack.url,
    api,
    async restart() {
      await stack.close();
      stack = await start();
    },
    async close() {
      await stack.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
    sweep: () => stack.sweep(),
    request(method, path, { token, headers, body } = {}) {
      return fetch(api + path, {
        method,
        headers: {
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
          ...Object.fromEntries(new Headers(headers)),
        },
        ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
    },
    async askCode(email) {
      const { challenge } = (await (await test.request("POST", "/auth/code", { body: { email } })).json()) as {
        challenge: string;
      };
      const mails = (await (await fetch(`${stack.url}/dev/mail.json`)).json()) as { to: string; code: string }[];
      return { challenge, code: mails.find(({ to }) => to === email)?.code ?? "" };
    },
    async logIn(email) {
      const verified = await test.request("POST", "/auth/verify", { body: await test.askCode(email) });
      return ((await verified.json()) as { token: string }).token;
    },
  };
  return test;
}
