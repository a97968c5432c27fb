/** The built program of `npm start` in a process of its own, which ends with the test. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, expect } from "vitest";
import { freePort } from "../support/stores/port.ts";

export const MAIN = fileURLToPath(new URL("../../packages/local/dist/main.js", import.meta.url));

interface Running {
  child: ChildProcess;
  output: () => string;
  exited: Promise<number | null>;
}

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

interface Options {
  cwd?: string;
  /** The user to run as, where one may choose. */
  uid?: number;
}

/** Without the settings of the environment, but with `env`. */
export function runProgram(env: Record<string, string>, ...args: (string | Options)[]): Running {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("TENURE_")));
  const words = args.filter((arg) => typeof arg === "string");
  const child = spawn(process.execPath, [MAIN, ...words], {
    ...Object.assign({}, ...args.filter((arg) => typeof arg === "object")),
    env: { ...inherited, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let text = "";
  child.stdout?.on("data", (chunk) => (text += chunk));
  child.stderr?.on("data", (chunk) => (text += chunk));
  return { child, output: () => text, exited: new Promise((resolve) => child.on("close", resolve)) };
}

export async function startProgram(
  env: Record<string, string>,
  ...args: (string | Options)[]
): Promise<Running & { url: string }> {
  const running = runProgram({ PORT: String(await freePort()), ...env }, ...args);
  await expect.poll(running.output).toContain("Ctrl-C stops it");
  return { ...running, url: /Tenure is at (\S+)/.exec(running.output())?.[1] ?? "" };
}

/** Logs in by the code that the program prints, and returns the token. */
export async function logIn(url: string, output: () => string): Promise<string> {
  const post = async (path: string, body: object) =>
    (await (await fetch(`${url}/api${path}`, { method: "POST", body: JSON.stringify(body) })).json()) as Record<
      string,
      string
    >;
  const { challenge } = await post("/auth/code", { email: "a@example.com" });
  const code = [...output().matchAll(/code for a@example\.com: (\d{6})/g)].at(-1)?.[1];
  const { token = "" } = await post("/auth/verify", { challenge, code });
  return token;
}

export type Api = (path: string, init?: RequestInit) => Promise<Response>;
export const apiOf = (url: string, token: string): Api => {
  const headers = { Authorization: `Bearer ${token}` };
  return (path, init = {}) => fetch(`${url}/api${path}`, { ...init, headers });
};
