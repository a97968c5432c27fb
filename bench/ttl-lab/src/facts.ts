/** The facts that every run of the lab has to find, however fast the machine is. */
import type { LabResult } from "./report.ts";

/**
 * The most milliseconds after the deadline at which the last read that found the record was sent, where expiry is enforced at
 * read time: the grain of two clocks. The time of the answer does not count.
 */
const ALLOWANCE_MS = 25;

const ENFORCED = ["redis", "redis-replica", "redis-cut-off"];
const LEFT_TO_THE_READER = ["dynamodb", "postgres-none", "mariadb-none"];
const CLEANED = ["postgres-second", "mariadb-second"];

/** Returns each fact that a result lacks or contradicts, a line each. */
export function faultsOf({ rows }: LabResult): string[] {
  const faults: string[] = [];
  const expectFact = (key: string, fact: string, holds: boolean) => {
    if (!holds) faults.push(`${key}: not seen that ${fact}`);
  };
  for (const key of [...ENFORCED, ...LEFT_TO_THE_READER, ...CLEANED]) {
    const { measured, absent = "it has no row" } = rows.find((row) => row.key === key) ?? {};
    if (!measured) {
      faults.push(`${key}: not measured: ${absent}`);
      continue;
    }
    const { plain, checked, checkedBySlowClock, crowd, gone, revives } = measured;
    if (ENFORCED.includes(key)) {
      expectFact(key, "nothing that is over is given out", (plain.max ?? 0) < ALLOWANCE_MS);
      expectFact(key, "nothing of a crowd that is over is given out", (crowd.plain.max ?? 0) < ALLOWANCE_MS);
      expectFact(key, "a late touch revives nothing", !revives);
    } else {
      expectFact(key, "a record is given out after its deadline", plain.late > 0);
      expectFact(key, "a checked read gives out nothing that is over", checked.late === 0);
    }
    if (LEFT_TO_THE_READER.includes(key)) {
      expectFact(key, "a record is given out for as long as one looks", plain.max === Number.POSITIVE_INFINITY);
      expectFact(key, "a check is as good as its clock", checkedBySlowClock.late > 0);
      expectFact(key, "a late touch revives a record", revives);
    }
    if (key === "redis-cut-off")
      expectFact(key, "a replica that is cut off keeps what is over", gone.max === Number.POSITIVE_INFINITY);
  }
  return faults;
}
