/**
 * The stores in a thread of their own, beside that of the service: while one is at work the other need not wait. This module is both
 * sides of it.
 *
 * The thread first says how its stores are reached, or what is wrong with the settings, and then does what it is told, one thing after
 * the other. An exception that nobody handles there ends the process, as one of this thread's own does, and so does an end of the thread
 * that nobody asked for; a rejection that nobody handles is told on stderr.
 */
import { isMainThread, type MessagePort, parentPort, Worker, workerData } from "node:worker_threads";
import { systemClock } from "@tenure/core/clock";
import { isTenureError, TenureError } from "@tenure/core/errors";
import type { LocalStores, StoreConfig } from "./access.ts";

/** The settings that the stores have, as values that can be sent to a thread. */
interface Given {
  dataDir: string;
  skipDamage: boolean;
  redisUrl: string | undefined;
  dynamoEndpoint: string | undefined;
}

type Order = "sweep" | "close";

/** `swept`: how many items. */
type Said =
  | ({ type: "open" } & Pick<LocalStores, "access" | "engines">)
  | { type: "misconfigured"; problems: string[] }
  | { type: "done"; swept: number }
  | { type: "failed"; error: unknown };

/** As `openStores`, with the system's clock. */
export async function openStoresThread(config: StoreConfig): Promise<LocalStores> {
  const { dataDir, skipDamage = false } = config;
  const [redisUrl, dynamoEndpoint] = [config.redisUrl?.href, config.dynamoEndpoint?.href];
  const given: Given = { dataDir, skipDamage, redisUrl, dynamoEndpoint };
  const thread = new Worker(new URL(import.meta.url), { workerData: given });
  const opened = await said(thread);
  if (opened.type === "misconfigured") throw new TenureError({ tag: "misconfigured", problems: opened.problems });
  if (opened.type !== "open") throw new Error("the thread of the stores has not opened them");
  let isOver = false;
  const end = (error: unknown) => {
    const isExpected = isOver;
    isOver = true;
    if (!isExpected) throw error;
  };
  thread.on("error", end).on("exit", (code) => end(ended(code)));
  let last: Promise<unknown> = Promise.resolve();
  const order = (name: Order): Promise<number> => {
    const done = last.then(async () => {
      if (isOver) throw new Error("the thread of the stores has ended");
      const answer = said(thread);
      thread.postMessage(name);
      const done = await answer;
      if (done.type === "failed") throw done.error;
      return done.type === "done" ? done.swept : 0;
    });
    last = done.catch(() => {});
    return done;
  };
  return {
    access: opened.access,
    engines: opened.engines,
    sweep: () => order("sweep"),
    async close() {
      await order("close").finally(() => {
        isOver = true;
        return thread.terminate();
      });
    },
  };
}

const ended = (code: number) => new Error(`the thread of the stores has ended with ${code}`);

/** Resolves to what the thread says next; rejects with the error by which it ends. */
function said(thread: Worker): Promise<Said> {
  return new Promise((resolve, reject) => {
    const settle = (settled: () => void) => {
      thread.off("message", onMessage).off("error", onError).off("exit", onExit);
      settled();
    };
    const onMessage = (message: Said) => settle(() => resolve(message));
    const onError = (error: unknown) => settle(() => reject(error));
    const onExit = (code: number) => onError(ended(code));
    thread.on("message", onMessage).on("error", onError).on("exit", onExit);
  });
}

/** The thread's side. */
async function serve(port: MessagePort, { redisUrl, dynamoEndpoint, ...given }: Given): Promise<void> {
  const say = (message: Said) => port.postMessage(message);
  process.on("unhandledRejection", (error) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`tenure: a rejection in the stores that nobody handles: ${text}\n`);
  });
  let stores: LocalStores;
  try {
    // Loaded on this side alone.
    const { openStores } = await import("./open.ts");
    stores = await openStores(
      {
        ...given,
        ...(redisUrl !== undefined && { redisUrl: new URL(redisUrl) }),
        ...(dynamoEndpoint !== undefined && { dynamoEndpoint: new URL(dynamoEndpoint) }),
      },
      systemClock,
    );
  } catch (error) {
    if (!isTenureError(error, "misconfigured")) throw error;
    return say({ type: "misconfigured", problems: [...error.reason.problems] });
  }
  const { access, engines } = stores;
  const obey = async (order: Order): Promise<number> => {
    if (order === "sweep") return stores.sweep();
    await stores.close();
    return 0;
  };
  port.on("message", (order: Order) => {
    obey(order).then(
      (swept) => say({ type: "done", swept }),
      (error: unknown) => say({ type: "failed", error }),
    );
  });
  say({ type: "open", access, engines });
}

if (!isMainThread && parentPort) await serve(parentPort, workerData as Given);
