import { performance } from "node:perf_hooks";
import { setImmediate } from "node:timers/promises";
import type { Opened } from "./port.ts";

export interface RaceResult {
  trials: number;
  /** Trials in which the request and the logout were under way at the same time. */
  overlapped: number;
  /** Trials after which a fresh request with the old credential was honoured. */
  alive: number;
}

const JITTER_MS = 3;
/** Sessions are made in batches before they are raced, so that no login's work delays a race that it is no part of. */
const BATCH = 500;
/** Logins at a time. Races are run one by one: a busy event loop would make the requests of a race keep in step. */
const LOGINS = 4;

/** Trials are numbered, and each takes its jitter from the seed and its number alone. */
export async function race(
  peer: Opened,
  options: { trials: number; seed: number; progress: (done: number) => void },
): Promise<RaceResult> {
  const { trials, seed, progress } = options;
  const result: RaceResult = { trials, overlapped: 0, alive: 0 };

  async function login(number: number): Promise<[number, string]> {
    const user = `racer${number}`;
    await peer.register(user);
    const credential = await peer.login(user);
    if (!(await peer.alive(credential))) throw new Error("a new session is not honoured");
    return [number, credential];
  }

  async function trial([number, credential]: [number, string]): Promise<void> {
    const random = mulberry32(seed + number * 7919);
    const start = performance.now();
    const [used, loggedOut] = await Promise.all([
      timed(start + random() * JITTER_MS, () => peer.use(credential)),
      timed(start + random() * JITTER_MS, () => peer.logout(credential)),
    ]);
    if (used.begin < loggedOut.end && loggedOut.begin < used.end) result.overlapped++;
    if (await peer.alive(credential)) result.alive++;
  }

  for (let from = 0; from < trials; from += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, trials - from) }, (_, i) => from + i);
    const racers = await inLanes(LOGINS, numbers, login);
    for (const racer of racers) await trial(racer);
    progress(from + numbers.length);
  }
  return result;
}

async function inLanes<In, Out>(lanes: number, items: In[], work: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const i = next++;
      results[i] = await work(items[i] as In);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}

/** Timers are too coarse for a jitter of fractions of a millisecond. */
async function timed(at: number, work: () => Promise<void>): Promise<{ begin: number; end: number }> {
  while (performance.now() < at) await setImmediate();
  const begin = performance.now();
  await work();
  return { begin, end: performance.now() };
}

/** A small PRNG with a seed of 32 bits; uniform in [0, 1). */
export function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
