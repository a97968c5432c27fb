import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Running {
  port: number;
  close(): Promise<void>;
}

/** A redis-server that keeps nothing, on a free port of 127.0.0.1; it is gone when `close` returns or this process ends. */
export async function startRedis(): Promise<Running & { version: string }> {
  const dir = await mkdtemp(join(tmpdir(), "tenure-bench-"));
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "no"];
  const child = spawn("redis-server", args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  process.once("exit", () => {
    child.kill("SIGKILL");
    rmSync(dir, { recursive: true, force: true });
  });
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
  const version = await new Promise<string>((resolve, reject) => {
    let log = "";
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`redis-server did not start:\n${log}`)));
    child.stdout.on("data", (chunk) => {
      log += chunk;
      if (log.includes("Ready to accept connections")) resolve(/version[= ]v?([\d.]+)/i.exec(log)?.[1] ?? "?");
    });
  });
  return {
    port,
    version,
    async close() {
      child.kill("SIGTERM");
      await exited;
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

export interface CountingProxy extends Running {
  /** Round trips so far: times that a client sent after it was last answered. Requests that go out together count once. */
  roundTrips(): number;
}

/** Passes bytes to and from a port of 127.0.0.1. Counts HTTP/1.1 requests and RESP round trips alike. */
export async function startCountingProxy(target: number): Promise<CountingProxy> {
  let count = 0;
  const proxy = await startProxy(target, () => {
    let answered = true;
    return {
      sent(pass) {
        if (answered) count++;
        answered = false;
        pass();
      },
      received(pass) {
        answered = true;
        pass();
      },
    };
  });
  return { ...proxy, roundTrips: () => count };
}

/** Passes bytes to and from a port of 127.0.0.1, each way at least so many milliseconds late, in order. */
export function startDelayingProxy(target: number, delayMs: number): Promise<Running> {
  const later = (pass: () => void) => void setTimeout(pass, delayMs);
  return startProxy(target, () => ({ sent: later, received: later }));
}

/** For one connection: what happens to each chunk, which `pass` sends on. */
interface Passage {
  sent(pass: () => void): void;
  received(pass: () => void): void;
}

async function startProxy(target: number, connected: () => Passage): Promise<Running> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = createConnection({ host: "127.0.0.1", port: target, noDelay: true });
    client.setNoDelay(true);
    const passage = connected();
    client.on("data", (chunk) => passage.sent(() => upstream.write(chunk)));
    upstream.on("data", (chunk) => passage.received(() => client.write(chunk)));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
