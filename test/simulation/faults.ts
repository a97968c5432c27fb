/**
 * Decides what becomes of each call that leaves a process. A decision follows from the seed and the call's name (who calls, what,
 * the how many-th time), and from nothing else: a history with one fault fewer goes on as it did in all the rest, which is what lets
 * a failing one be made shorter.
 */
import type { SimulatedProcess } from "./world/process.ts";
import { hash, Random } from "./world/random.ts";
import type { World } from "./world/world.ts";

/** Faults of one call. */
export const CALL_FAULTS = [
  "slow",
  "slow-answer",
  "lost",
  "unanswered",
  "late",
  "refused",
  "dies",
  "dies-after",
  "freezes",
  "freezes-after",
  "yields",
  "stops",
] as const;
export type CallFault = (typeof CALL_FAULTS)[number];
export type Disruption = "dies" | "freezes" | "yields" | "stops";

export type Port = "dynamo" | "redis" | "queue";

/** How a call goes: what is undefined never comes. Milliseconds. */
export interface Fate {
  lands: number | undefined;
  answers: number | undefined;
  /** Refused before anything is done: throttled, or no connection. */
  isRefused: boolean;
  /** The caller's disruption once it has sent the call, and once the call has landed. */
  atOnce: Effect | undefined;
  whenLanded: Effect | undefined;
}

interface Effect {
  kind: Disruption;
  ms: number;
}

export interface Weather {
  /** Of a thousand calls, how many meet a fault. */
  perThousand: number;
  weights: Partial<Record<CallFault, number>>;
  /** The number of times that processes are disrupted, at most. */
  disruptions: number;
  /** When Redis answers nobody, in milliseconds since the beginning. */
  redisAway: [from: number, to: number][];
  /** The most milliseconds by which the index is behind. */
  indexLagMs: number;
}

export class Faults {
  readonly weather: Weather;
  /** The faults that were met, by the name that leaves each out of another history of the seed. */
  readonly met: string[] = [];
  isHealed = false;
  private readonly world: World;
  private readonly without: ReadonlySet<string>;
  private readonly counts = new Map<string, number>();
  private disruptions = 0;

  constructor(world: World, weather: Weather, without: ReadonlySet<string>) {
    this.world = world;
    this.weather = weather;
    this.without = without;
  }

  fateOf(process: SimulatedProcess, port: Port, label: string): Fate {
    const name = `${process.name} ${port} ${label}`;
    const count = this.counts.get(name) ?? 0;
    this.counts.set(name, count + 1);
    const key = `${name} ${count}`;
    const random = new Random(this.world.seed, key);
    const usual = port === "redis" ? 0.5 : port === "queue" ? 5 : 2;
    const fate: Fate = {
      lands: usual * (0.5 + random.fraction()),
      answers: usual * (0.5 + random.fraction()),
      isRefused: port === "redis" && this.isAway(),
      atOnce: undefined,
      whenLanded: undefined,
    };
    if (this.isHealed || fate.isRefused) return fate;
    const isWrite = !/^(Get|Query|Scan|read)/.test(label);
    const odds = this.weather.perThousand * (isWrite ? 1 : 0.4);
    if (!random.chance(odds / 1000)) return fate;
    const fault = random.weighted(this.weather.weights);
    const disruption = DISRUPTIONS[fault];
    if (this.without.has(`${fault}: ${key}`)) return fate;
    if (disruption && this.disruptions++ >= this.weather.disruptions) return fate;
    this.met.push(`${fault}: ${key}`);
    this.world.note(`! ${fault}: ${key}`);
    apply(fault, fate, random, port);
    return fate;
  }

  /** A time that follows from the seed and the name alone. */
  indexLag(name: string): number {
    if (this.isHealed) return 0;
    const part = hash(this.world.seed, `index ${name}`) / 0x100000000;
    return part < 0.8 ? part * 5 : (part - 0.8) * 5 * this.weather.indexLagMs;
  }

  private isAway(): boolean {
    const { now } = this.world;
    return !this.isHealed && this.weather.redisAway.some(([from, to]) => from <= now && now < to);
  }
}

const DISRUPTIONS: Partial<Record<CallFault, Disruption>> = {
  dies: "dies",
  "dies-after": "dies",
  freezes: "freezes",
  "freezes-after": "freezes",
  yields: "yields",
  stops: "stops",
};

function apply(fault: CallFault, fate: Fate, random: Random, port: Port): void {
  /** Short ones are more frequent than long ones. */
  const between = (from: number, to: number) => from * (to / from) ** random.fraction();
  const freeze = { kind: "freezes" as const, ms: between(100, 90_000) };
  const patience = port === "redis" ? 1000 : 3000;
  switch (fault) {
    case "slow":
      fate.lands = between(20, patience * 0.9);
      break;
    case "slow-answer":
      fate.answers = between(20, patience * 0.9);
      break;
    case "late":
      fate.lands = between(patience, patience * 2.5);
      break;
    case "lost":
      fate.lands = undefined;
      break;
    case "unanswered":
      fate.answers = undefined;
      break;
    case "refused":
      fate.isRefused = true;
      break;
    case "dies":
      if (random.chance(0.5)) fate.lands = undefined;
      else if (random.chance(0.3)) fate.lands = between(100, patience * 2);
      fate.atOnce = { kind: "dies", ms: 0 };
      break;
    case "dies-after":
      fate.whenLanded = { kind: "dies", ms: 0 };
      break;
    case "freezes":
      if (random.chance(0.5)) fate.lands = undefined;
      fate.atOnce = freeze;
      break;
    case "freezes-after":
      fate.whenLanded = freeze;
      break;
    default:
      fate.whenLanded = { kind: fault, ms: between(200, 60_000) };
  }
}
