/** Measures a database at the deadline: when it was last seen to give a record that was over, and when that was gone. */
import { now, sleep, sleepUntil } from "./clock.ts";
import type { Dated, Engine } from "./engine.ts";

export interface Settings {
  /** The number of records that are watched, at random phases. */
  records: number;
  /** Over which time their deadlines are spread, in milliseconds. */
  spreadMs: number;
  /** For how long after its deadline a record is watched. */
  horizonMs: number;
  /** The number of records in the crowd, which are over at once. */
  crowd: number;
  say: (words: string) => void;
}

/** Milliseconds after the deadline. Infinity: still so when nobody looked any more. Null: not seen at all, or not told. */
export interface Lateness {
  p50: number | null;
  max: number | null;
  /** The number of records that were seen late at all. */
  late: number;
  of: number;
}

export interface Measured {
  plain: Lateness;
  checked: Lateness;
  /** The checked read of a client whose clock is five seconds behind. */
  checkedBySlowClock: Lateness;
  /** Of records that nobody reads. */
  gone: Lateness;
  crowd: { records: number; plain: Lateness; gone: Lateness };
  /** True when a touch after the deadline made a record be found again. */
  revives: boolean;
}

const LEAD_MS = 800;
const SLOW_CLOCK_MS = 5000;
const FEW = 20;
/** Reads of one record come further apart the later it gets: its lateness is known to an eighth. */
const STEP = 0.125;
const COUNT_EVERY_MS = 20;

export async function measure(engine: Engine, settings: Settings): Promise<Measured> {
  const { records, spreadMs, horizonMs, say } = settings;
  await engine.clear();
  const base = now() + LEAD_MS;
  const spread = (name: string, many: number): Dated[] =>
    Array.from({ length: many }, (_, n) => ({
      id: `${name}-${n}`,
      deadline: Math.ceil(base + Math.random() * spreadMs),
    }));
  const sets = {
    plain: spread("plain", records),
    checked: spread("checked", records),
    slow: spread("slow", FEW),
    touched: spread("touched", FEW),
  };
  say(`${records} records at random phases`);
  await engine.put(Object.values(sets).flat());
  const watch = (set: Dated[], find: (id: string) => Promise<boolean>, horizon = horizonMs) =>
    Promise.all(set.map(({ id, deadline }) => lastSeen(() => find(id), deadline, horizon))).then(summary);
  const [plain, checked, checkedBySlowClock, revived] = await Promise.all([
    watch(sets.plain, (id) => engine.find(id)),
    watch(sets.checked, (id) => engine.findChecked(id, now())),
    watch(sets.slow, (id) => engine.findChecked(id, now() - SLOW_CLOCK_MS), SLOW_CLOCK_MS + 1000),
    Promise.all(sets.touched.map((record) => isRevived(engine, record))),
  ]);
  const gone = await measureGone(engine, spread2(records, spreadMs), horizonMs, say);
  const crowd = await measureCrowd(engine, settings);
  await engine.clear();
  return { plain, checked, checkedBySlowClock, gone, crowd, revives: revived.some(Boolean) };
}

/** When the record was last found after its deadline, by the time at which the read was sent; null for never. */
async function lastSeen(find: () => Promise<boolean>, deadline: number, horizonMs: number): Promise<number | null> {
  await sleepUntil(deadline);
  for (let last: number | null = null; ; ) {
    const late = now() - deadline;
    if (!(await find())) return last;
    last = late;
    if (late > horizonMs) return Number.POSITIVE_INFINITY;
    await sleep(Math.max(1, late * STEP));
  }
}

async function isRevived(engine: Engine, { id, deadline }: Dated): Promise<boolean> {
  await sleepUntil(deadline + 5);
  await engine.touch(id, Math.ceil(now() + 60_000));
  return engine.findChecked(id, now());
}

const spread2 = (many: number, spreadMs: number) => (base: number) =>
  Array.from({ length: many }, (_, n) => ({ id: `left-${n}`, deadline: Math.ceil(base + Math.random() * spreadMs) }));

/** By counting what is stored: the k-th to go is held against the k-th deadline. Nothing is read, which might remove it. */
async function measureGone(
  engine: Engine,
  records: (base: number) => Dated[],
  horizonMs: number,
  say: (words: string) => void,
): Promise<Lateness> {
  await engine.clear();
  if ((await engine.count()) === undefined) return { p50: null, max: null, late: 0, of: 0 };
  say("the same, left alone");
  const put = records(now() + LEAD_MS);
  await engine.put(put);
  return whenGone(
    engine,
    put.map(({ deadline }) => deadline),
    horizonMs,
  );
}

async function whenGone(engine: Engine, unsorted: number[], horizonMs: number): Promise<Lateness> {
  const deadlines = unsorted.toSorted((a, b) => a - b);
  const lateness: number[] = [];
  const end = (deadlines.at(-1) ?? 0) + horizonMs;
  while (lateness.length < deadlines.length && now() < end) {
    const gone = deadlines.length - ((await engine.count()) ?? 0);
    const at = now();
    while (lateness.length < gone) lateness.push(Math.max(0, at - (deadlines[lateness.length] as number)));
    await sleep(COUNT_EVERY_MS);
  }
  while (lateness.length < deadlines.length) lateness.push(Number.POSITIVE_INFINITY);
  return summary(lateness);
}

/** Many records that are over at the same moment: are some of them seen for longer, and how long does it take? */
async function measureCrowd(engine: Engine, { crowd, horizonMs, records, say }: Settings): Promise<Measured["crowd"]> {
  await engine.clear();
  // Far enough away for all to have been put, as far as one can tell from the first thousand.
  const begun = now();
  const far = begun + 3_600_000;
  const probe = Array.from({ length: Math.min(1000, crowd) }, (_, n) => ({ id: `probe-${n}`, deadline: far }));
  await engine.put(probe);
  const perRecord = (now() - begun) / probe.length;
  await engine.clear();
  const deadline = Math.ceil(now() + LEAD_MS + perRecord * crowd * 2);
  say(`${crowd} records that are over at once`);
  const ids = Array.from({ length: crowd }, (_, n) => `crowd-${n}`);
  await engine.put(ids.map((id) => ({ id, deadline })));
  const stride = Math.max(1, Math.floor(crowd / records));
  const sample = ids.filter((_, n) => n % stride === 0).slice(0, records);
  const counted = (await engine.count()) !== undefined;
  const [plain, gone] = await Promise.all([
    Promise.all(sample.map((id) => lastSeen(() => engine.find(id), deadline, horizonMs))).then(summary),
    counted
      ? whenGone(
          engine,
          ids.map(() => deadline),
          horizonMs,
        )
      : { p50: null, max: null, late: 0, of: 0 },
  ]);
  return { records: crowd, plain, gone };
}

function summary(lateness: (number | null)[]): Lateness {
  const seen = lateness.map((one) => one ?? 0).toSorted((a, b) => a - b);
  const late = lateness.filter((one) => one !== null).length;
  if (late === 0) return { p50: null, max: null, late, of: lateness.length };
  return { p50: seen[seen.length >> 1] as number, max: seen.at(-1) as number, late, of: lateness.length };
}
