/**
 * An application on a free port and on stores of its own, for its tests: everything that it would have under `npm start`, with limits
 * off and data that goes with it.
 *
 * @example
 * import { defineApp } from "@tenure/functions/app";
 * import { startForTest } from "@tenure/local/testing";
 *
 * const server = await startForTest(defineApp({ graphs: {} }));
 * const ask = await server.logIn("ada@example.com");
 * console.log((await ask("/auth/session")).status);
 * await server.close();
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { App } from "@tenure/functions/app";
import { readConfig } from "./config.ts";
import type { Mail } from "./mailbox.ts";
import { startStack } from "./stack.ts";

// The notice that the AWS SDK drops Node.js 20 is for those who deploy.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

export interface TestServer {
  /** Like `http://localhost:49152`; the API is below `/api`. */
  url: string;
  /** Logs somebody in by a code, and returns their way to ask: a path below `/api`, and a body to POST as JSON. */
  logIn(email: string): Promise<Ask>;
  /** Ends it, and removes its data. */
  close(): Promise<void>;
}

export type Ask = (path: string, body?: unknown) => Promise<Response>;

/** Resolves when it can be asked. Throws `misconfigured` for an application that cannot be served. */
export async function startForTest(app: App): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), "tenure-test-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const mails: Mail[] = [];
  try {
    const settings = { TENURE_DATA_DIR: folder, TENURE_LIMITS: "off", TENURE_DEMO: "off", PORT: `${await freePort()}` };
    const stack = await startStack(readConfig(settings), { ...app, onMail: (mail) => mails.push(mail) });
    return {
      url: stack.url,
      logIn: (email) => logIn(stack.url, email, mails),
      async close() {
        await stack.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

async function logIn(url: string, email: string, mails: Mail[]): Promise<Ask> {
  const ask =
    (headers: Record<string, string>): Ask =>
    (path, body) =>
      fetch(`${url}/api${path}`, {
        ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
        headers: { "Content-Type": "application/json", ...headers },
      });
  const { challenge } = await read<{ challenge: string }>(await ask({})("/auth/code", { email }));
  const code = mails.findLast(({ to }) => to === email)?.code;
  const { token } = await read<{ token: string }>(await ask({})("/auth/verify", { challenge, code }));
  return ask({ Authorization: `Bearer ${token}` });
}

async function read<T>(answer: Response): Promise<T> {
  if (!answer.ok) throw new Error(`the login was answered with ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as T;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
