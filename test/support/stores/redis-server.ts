/** A redis-server of the machine, or what `TENURE_TEST_REDIS_SERVER` names in its place, on a free loopback port, with nothing on disk. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { redisProgram } from "./found.ts";
import { freePort } from "./port.ts";

export interface StartedRedis {
  url: string;
  close(): Promise<void>;
}

/** `more` are settings of redis.conf by their names. */
export async function startRedisServer(
  env: Record<string, string> = {},
  more: Record<string, string> = {},
): Promise<StartedRedis> {
  const folder = mkdtempSync(join(tmpdir(), "redis-"));
  const port = await freePort();
  const settings = { port: String(port), bind: "127.0.0.1", save: "", appendonly: "no", dir: folder };
  const debug = { "enable-debug-command": "local" };
  const args = Object.entries({ ...settings, ...debug, ...more }).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(redisProgram, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`${redisProgram} did not start: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    async close() {
      child.kill();
      await closed;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** True when a server at the port answers a PING. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.once("data", (reply) => {
      socket.destroy();
      resolve(reply.toString().startsWith("+PONG"));
    });
    socket.once("error", () => resolve(false));
  });
}
