/** A history: processes, users and faults from one seed, to the moment in which nothing is under way, and what is wrong then. */
import { MemoryTable } from "../support/stores/memory-table/table.ts";
import { type Disruption, Faults, type Weather } from "./faults.ts";
import type { Effect } from "./graphs.ts";
import { type Disrupted, type Ending, type Violation, violations } from "./invariants/index.ts";
import type { Network } from "./ports/call.ts";
import { Queue } from "./ports/queue.ts";
import { RedisServer } from "./ports/redis.ts";
import { type Patches, type Service, type Stores, startService } from "./service.ts";
import { type Plan, planOf } from "./workload/plan.ts";
import { nothingSeen, type Seen } from "./workload/record.ts";
import { Requests } from "./workload/requests.ts";
import { Users } from "./workload/users.ts";
import { forgetIds, installGlobals } from "./world/globals.ts";
import type { SimulatedProcess } from "./world/process.ts";
import { Random } from "./world/random.ts";
import { World } from "./world/world.ts";

installGlobals();

/** Faults end by then, in milliseconds since the beginning. */
const STORM_MS = 150_000;
/** Milliseconds after the end of the faults within which every user must have an answer. */
const REST_MS = 20 * 60_000;
/** The time that a process has which was told to stop. */
const STOP_MS = 5000;
/** A process that has handed over what it had goes on for so long before it is frozen or ended. */
const UNTIL_FROZEN_MS = 100;
const SWEEP_EVERY_MS = 60_000;

export interface History {
  seed: number;
  violations: Violation[];
  trace: string[];
  /** Faults met and operations done: the names that `without` takes. */
  met: string[];
  operations: string[];
  events: number;
  simulatedMs: number;
}

export interface Options {
  without?: ReadonlySet<string>;
  patches?: Patches;
  /** Parts of the weather that are not left to the seed. */
  weather?: Partial<Weather>;
}

const redis = new RedisServer();

/** To be called when no further history is run. */
export const closeEngines = (): Promise<void> => redis.close();

export async function runHistory(seed: number, options: Options = {}): Promise<History> {
  const { without = new Set(), patches = {}, weather } = options;
  forgetIds();
  const usual = planOf(seed, without);
  const plan = { ...usual, weather: { ...usual.weather, ...weather } };
  const world = new World(seed);
  const scene = new Scene(world, plan, without, patches);
  await redis.begin(world);
  const uninstall = patches.install?.();
  try {
    return await scene.play();
  } finally {
    uninstall?.();
  }
}

class Scene {
  private readonly world: World;
  private readonly plan: Plan;
  private readonly without: ReadonlySet<string>;
  private readonly faults: Faults;
  private readonly stores: Stores;
  private readonly services: Service[] = [];
  private readonly seen: Seen = nothingSeen();
  private readonly journal: Effect[] = [];
  private readonly reports: string[] = [];
  private readonly table: MemoryTable;
  private readonly disruptions: Disrupted[] = [];
  private started = 0;
  private sweeps = 0;

  constructor(world: World, plan: Plan, without: ReadonlySet<string>, patches: Patches) {
    this.world = world;
    this.plan = plan;
    this.without = without;
    this.faults = new Faults(world, plan.weather, without);
    const network: Network = { faults: this.faults, disrupt: (...which) => this.disrupt(...which) };
    let lagging = 0;
    let newest = 0;
    let pages = 0;
    this.table = new MemoryTable({
      // Writes come to the index in their order.
      later: (refresh) => {
        newest = Math.max(newest, world.now + this.faults.indexLag(String(lagging++)));
        world.at(newest, undefined, refresh);
      },
      pageSize: () =>
        plan.shortPages ? new Random(world.seed, `page ${pages++}`).between(1, 4) : Number.POSITIVE_INFINITY,
    });
    const queue = plan.hasQueue ? new Queue(network, () => this.reachable()) : undefined;
    this.stores = {
      ...{ network, table: this.table, redis, queue, patches },
      ...{ journal: this.journal, reports: this.reports },
    };
  }

  async play(): Promise<History> {
    const { world, plan } = this;
    for (let n = 0; n < plan.processes; n++) await this.begin();
    const users = world.start("users");
    let left = plan.threads.length;
    for (const thread of plan.threads) {
      const using = new Users(new Requests(users, () => this.askable(), this.seen), this.without);
      const fail = (error: unknown) => void this.seen.faults.push(`the users fail: ${(error as Error).stack}`);
      users.run(() =>
        using
          .useThread(thread)
          .catch(fail)
          .finally(() => {
            left -= 1;
          }),
      );
    }
    for (const [n, { at, process, ms }] of plan.jumps.entries())
      if (!this.without.has(`jump ${n}`)) world.after(at, undefined, () => this.services[process]?.process.jump(ms));
    this.sweepLater();
    await world.run(() => left === 0 && this.isSettledDown(), STORM_MS);
    this.heal();
    const end = world.now + REST_MS;
    const ending: Ending = {
      ...{ world, plan, seen: this.seen, journal: this.journal, table: this.table, redis },
      ...{ disruptions: this.disruptions, reports: this.reports, fresh: await this.fresh() },
      run: (isOver, ms) => world.run(isOver, world.now + ms),
    };
    const resting = await world.run(() => left === 0, end);
    if (resting === "late") {
      const found = [{ invariant: "users-wait-for-good", detail: `${left} threads' users have no answer` }];
      return this.history(found);
    }
    return this.history(await violations(ending));
  }

  private history(found: Violation[]): History {
    const { world, plan, faults } = this;
    return {
      ...{ seed: plan.seed, violations: found, trace: world.trace, events: world.events },
      met: [...faults.met, ...plan.jumps.map((_, n) => `jump ${n}`)],
      operations: plan.threads.flatMap(({ operations }) => operations.map(({ id }) => id)),
      simulatedMs: world.now,
    };
  }

  /** True when no process is frozen. */
  private isSettledDown(): boolean {
    return this.services.every(({ process }) => !process.isFrozen);
  }

  private async fresh(): Promise<Service> {
    return startService(this.world.start("fresh"), { ...this.stores, patches: {} });
  }

  private async begin(): Promise<void> {
    const n = this.started++;
    const { skews, paces, sleeps } = this.plan;
    const process = this.world.start(`p${n + 1}`, {
      ...{ skewMs: skews[n % skews.length] ?? 0, pace: paces[n % paces.length] ?? 1, sleeps },
    });
    this.services.push(await startService(process, this.stores));
  }

  /** Returns the processes that can be given work: alive, awake, and not told to stop. */
  private reachable(): Service[] {
    return this.services.filter(({ process, isStopping }) => !process.isDead && !process.isFrozen && !isStopping);
  }

  /** Requests go to a frozen process too, where nobody knows better. */
  private askable(): Service[] {
    const all = this.services.filter(({ process, isStopping }) => !process.isDead && !isStopping);
    const awake = this.reachable();
    return awake.length > 0 ? [...awake, ...awake, ...all] : all.length > 0 ? all : this.services.slice(-1);
  }

  private sweepLater(): void {
    this.world.after(SWEEP_EVERY_MS, undefined, () => {
      const all = this.reachable();
      if (all.length > 0) {
        const sweep = `sweep ${this.sweeps++}`;
        const { process, runner } = new Random(this.world.seed, sweep).pick(all);
        this.world.note(`${process.name}: sweeps`);
        process.run(() => void runner.sweep(sweep).catch(() => {}));
      }
      this.sweepLater();
    });
  }

  private heal(): void {
    this.faults.isHealed = true;
    this.world.note("all faults end");
    for (const { process } of this.services) process.thaw();
  }

  private serviceOf(process: SimulatedProcess): Service | undefined {
    return this.services.find((one) => one.process === process);
  }

  private disrupt(process: SimulatedProcess, kind: Disruption, ms: number): void {
    if (process.isDead) return;
    const service = this.serviceOf(process);
    const from = this.world.now;
    // Told to stop, it is given some time, and then frozen or killed.
    const disrupted = { process: process.name, kind, from, until: from + (kind === "freezes" ? ms : STOP_MS) };
    this.disruptions.push(disrupted);
    if (kind === "freezes") process.freeze(ms);
    else if (kind === "dies" || !service) this.end(process);
    else this.stop(service, kind, ms, disrupted);
  }

  private stop(service: Service, kind: "yields" | "stops", ms: number, disrupted: Disrupted): void {
    const { process } = service;
    this.world.note(`${process.name}: is told to ${kind === "stops" ? "stop" : "give back what is under way"}`);
    service.isStopping = true;
    let isOver = false;
    /** The process answers, and is stopped somewhat later. */
    const handedOver = () => {
      disrupted.handedOver ??= this.world.now;
      this.world.after(UNTIL_FROZEN_MS, undefined, over);
    };
    const over = () => {
      if (isOver) return;
      isOver = true;
      disrupted.until = this.world.now;
      if (kind === "stops") return this.end(process);
      // A function that has answered is frozen until its next invocation, which goes on with the same process.
      process.freeze(ms);
      this.world.after(ms, undefined, () => {
        service.isStopping = false;
        process.run(() => service.runner.resume());
      });
    };
    const stopping = process.run(() => (kind === "stops" ? service.runner.stop() : service.runner.yieldAll()));
    void stopping.then(handedOver, handedOver);
    // A process that was told to stop gets no longer than this.
    this.world.after(STOP_MS, undefined, over);
  }

  /** Ends a process; another one takes its place. */
  private end(process: SimulatedProcess): void {
    process.kill();
    this.world.after(300, undefined, () => void this.begin());
  }
}
