/**
 * Time and chance of the program, looked up by whose code asks: code of a simulated process gets that process' clocks, timers and
 * random numbers, and all other code the real ones. To be imported before what is simulated.
 */
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import zlib from "node:zlib";
import { uuid6 } from "@langchain/langgraph-checkpoint";

/** The clocks, timers and random numbers of a simulated process, in place of the system's. */
export interface Surroundings {
  /** Epoch milliseconds. */
  wallClock(): number;
  /** Milliseconds, as `performance.now` has them. */
  monotonic(): number;
  startTimer(run: () => void, ms: number, repeat: boolean): Timer;
  random(): number;
  fillRandomly(bytes: Uint8Array): void;
}

export interface Timer {
  cancel(): void;
}

const current = new AsyncLocalStorage<Surroundings>();

/** Runs `work` as code of a process. */
export const within = <T>(surroundings: Surroundings, work: () => T): T => current.run(surroundings, work);
export const surroundings = (): Surroundings | undefined => current.getStore();

export const realSetImmediate = globalThis.setImmediate;
const realNow = performance.now.bind(performance);

/** As Node's own timer objects are used: by reference, unreferenced, refreshed. */
class Handle {
  private timer: Timer;
  private readonly begin: () => Timer;

  constructor(begin: () => Timer) {
    this.begin = begin;
    this.timer = begin();
  }

  cancel(): void {
    this.timer.cancel();
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return true;
  }
  refresh(): this {
    this.timer.cancel();
    this.timer = this.begin();
    return this;
  }
  [Symbol.dispose](): void {
    this.timer.cancel();
  }
}

type Callback = (...args: unknown[]) => void;

/** The timer's callback runs as what began it, also in what other libraries keep of it. */
function begin(process: Surroundings, callback: Callback, ms: number, args: unknown[], repeat: boolean): Handle {
  const scope = new AsyncResource("SimulatedTimer", { requireManualDestroy: true });
  return new Handle(() => process.startTimer(() => scope.runInAsyncScope(callback, undefined, ...args), ms, repeat));
}

function replace<T extends object, K extends keyof T>(target: T, name: K, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable: false });
}

const real = {
  Date: globalThis.Date,
  setTimeout: globalThis.setTimeout,
  setInterval: globalThis.setInterval,
  setImmediate: globalThis.setImmediate,
  clearTimeout: globalThis.clearTimeout,
  clearInterval: globalThis.clearInterval,
  clearImmediate: globalThis.clearImmediate,
};

function startOf(own: (callback: Callback, ms?: number, ...args: unknown[]) => unknown, repeat: boolean) {
  return (callback: Callback, ms = 0, ...args: unknown[]): unknown => {
    const process = current.getStore();
    // As Node has it: no timer is shorter than a millisecond.
    return process ? begin(process, callback, ms >= 1 ? ms : 1, args, repeat) : own(callback, ms, ...args);
  };
}

function clearOf(own: (handle: never) => void) {
  return (handle: unknown): void => {
    if (handle instanceof Handle) handle.cancel();
    else own(handle as never);
  };
}

class SimulatedDate extends real.Date {
  constructor(...args: [number] | []) {
    if (args.length > 0) super(...(args as [number]));
    else super(SimulatedDate.now());
  }

  static override now(): number {
    return current.getStore()?.wallClock() ?? real.Date.now();
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return Function.prototype[Symbol.hasInstance].call(real.Date, value);
  }
}

let isInstalled = false;

/** Replaces the globals, for good. Code outside a simulated process does not notice. */
export function installGlobals(): void {
  if (isInstalled) return;
  isInstalled = true;
  replace(globalThis, "Date", SimulatedDate);
  replace(globalThis, "setTimeout", startOf(real.setTimeout as never, false));
  replace(globalThis, "setInterval", startOf(real.setInterval as never, true));
  replace(globalThis, "setImmediate", (callback: Callback, ...args: unknown[]) => {
    const process = current.getStore();
    return process ? begin(process, callback, 0.001, args, false) : real.setImmediate(callback, ...args);
  });
  replace(globalThis, "clearTimeout", clearOf(real.clearTimeout as never));
  replace(globalThis, "clearInterval", clearOf(real.clearInterval as never));
  replace(globalThis, "clearImmediate", clearOf(real.clearImmediate as never));
  replace(performance, "now", () => current.getStore()?.monotonic() ?? realNow());
  replaceRandom();
  replaceZlib();
}

/** Has LangGraph's ids begin anew: it keeps the time of the last one for the whole program. */
export function forgetIds(): void {
  const at = (ms: number) => ({ wallClock: () => ms, monotonic: () => 0, random: () => 0, fillRandomly: () => {} });
  for (const ms of [0, 1]) current.run(at(ms) as unknown as Surroundings, () => uuid6(0));
}

function replaceRandom(): void {
  const own = {
    random: Math.random,
    randomBytes: crypto.randomBytes,
    randomUUID: crypto.randomUUID,
    getRandomValues: globalThis.crypto.getRandomValues.bind(globalThis.crypto),
  };
  const bytes = (count: number): Buffer => {
    const filled = Buffer.alloc(count);
    current.getStore()?.fillRandomly(filled);
    return filled;
  };
  const randomUUID = (...args: []): string => {
    if (!current.getStore()) return own.randomUUID(...args);
    const hex = bytes(16).toString("hex");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
  };
  replace(Math, "random", () => current.getStore()?.random() ?? own.random());
  replace(crypto, "randomBytes", (count: number, done?: never) =>
    current.getStore() && !done ? bytes(count) : own.randomBytes(count, done as never),
  );
  replace(crypto, "randomUUID", randomUUID);
  replace(globalThis.crypto, "randomUUID", randomUUID);
  replace(globalThis.crypto, "getRandomValues", (into: Uint8Array) => {
    const process = current.getStore();
    if (!process) return own.getRandomValues(into as Uint8Array<ArrayBuffer>);
    process.fillRandomly(into);
    return into;
  });
  syncBuiltinESMExports();
}

/** Compression in another thread ends whenever it likes, so that a simulated process compresses at once. */
function replaceZlib(): void {
  for (const [name, sync] of [
    ["deflateRaw", zlib.deflateRawSync],
    ["inflateRaw", zlib.inflateRawSync],
  ] as const) {
    const own = zlib[name] as (...args: unknown[]) => void;
    replace(zlib, name, (input: Buffer, ...rest: unknown[]) => {
      if (!current.getStore()) return own(input, ...rest);
      const done = rest.at(-1) as (error: unknown, result?: Buffer) => void;
      let result: Buffer | undefined;
      try {
        result = sync(input, rest.length > 1 ? (rest[0] as object) : {});
      } catch (error) {
        return done(error);
      }
      done(null, result);
    });
  }
  syncBuiltinESMExports();
}
