/**
 * Code of graphs runs in the process that serves everybody. A promise or a timer that such code leaves behind may fail where nobody
 * catches the error, and Node.js ends a process for that. Here:
 *
 * - A rejection that nobody handles is logged, with its run where that is known, and the process goes on.
 * - An exception in a callback of a graph is logged likewise: nothing of ours was under way on its stack.
 * - Any other exception leaves the process in doubt. It is logged, nothing more is admitted, what is under way is given back, and the
 *   process ends with 1.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import process from "node:process";
import { atMost } from "@tenure/core/deadline";
import { errorJson } from "../http/json.ts";

/** The run or the graph that code belongs to, for the log. */
interface Origin {
  run?: string | undefined;
  graph?: string | undefined;
}

export interface Keeper {
  /** Takes a line for the operator. */
  report: (line: string) => void;
  /** Stops admission and gives back what is under way: the process is in doubt, and ends when this resolves, or after some seconds. */
  stop: () => Promise<void>;
}

const origins = new AsyncLocalStorage<Origin>();
const keepers = new Set<Keeper>();
/** Listeners that were there before, of a runtime that ends the process by itself. */
let replaced: NodeJS.UncaughtExceptionListener[] = [];
let isEnding = false;

/** Runs code of a graph, and knows whatever it leaves behind as its own. */
export const asUserCode = <T>(origin: Origin, work: () => T): T => origins.run(origin, work);

/**
 * Keeps the process from ending by what graphs leave behind; returns what takes that back. With `instead`, other listeners hear of
 * nothing but an exception that leaves the process in doubt, and end it: Lambda's runtime ends a process for every rejection.
 */
export function keepProcess(keeper: Keeper, { instead = false } = {}): () => void {
  if (instead) {
    replaced = process.listeners("uncaughtException").filter((one) => one !== onException);
    process.removeAllListeners("uncaughtException").removeAllListeners("unhandledRejection");
  }
  if (keepers.size === 0 || instead) {
    process.on("unhandledRejection", onRejection);
    process.on("uncaughtException", onException);
    globalThis.queueMicrotask = queueKnown;
  }
  keepers.add(keeper);
  return () => {
    keepers.delete(keeper);
    if (keepers.size > 0) return;
    process.off("unhandledRejection", onRejection);
    process.off("uncaughtException", onException);
    globalThis.queueMicrotask = queue;
  };
}

const queue = globalThis.queueMicrotask;
/** Remembers whose a microtask is: before Node.js 24 nobody knows whose has thrown. */
const queueKnown: typeof queue = (work) => {
  const origin = origins.getStore();
  if (!origin || typeof work !== "function") return queue(work);
  queue(() => {
    try {
      work();
    } catch (error) {
      origins.run(origin, () => tell("exception-uncaught", error, "warn"));
    }
  });
};

const onRejection = (error: unknown): void => tell("rejection-unhandled", error, "warn");

const onException: NodeJS.UncaughtExceptionListener = (error, origin) => {
  if (origins.getStore()) return tell("exception-uncaught", error, "warn");
  tell("exception-uncaught", error, "error");
  if (isEnding) return;
  isEnding = true;
  const end = () => {
    for (const listener of replaced) listener(error, origin);
    if (replaced.length === 0) process.exit(1);
  };
  void atMost(LEAVE_MS, Promise.allSettled([...keepers].map(({ stop }) => stop()))).then(end, end);
};

const LEAVE_MS = 5000;

function tell(event: string, thrown: unknown, level: "warn" | "error"): void {
  const { error, message } = errorJson(thrown);
  const line = JSON.stringify({
    level,
    event,
    ...origins.getStore(),
    error: `${error}: ${message}`,
    at: locationOf(thrown),
  });
  for (const { report } of keepers) report(line);
}

/** The first line of the stack that says where; undefined when there is none. */
function locationOf(thrown: unknown): string | undefined {
  try {
    const { stack } = Object(thrown) as { stack?: unknown | undefined };
    return typeof stack === "string" ? /^\s+at .*/m.exec(stack)?.[0].trim() : undefined;
  } catch {
    return undefined;
  }
}
