/** The lab on the real servers of this machine: the facts that every run of it has to find. */
import { runLab } from "@tenure/ttl-lab/lab";
import type { LabResult, RowResult } from "@tenure/ttl-lab/report";
import { beforeAll, describe, expect, it } from "vitest";
import { dynamoEndpoint, isLabEquipped } from "../engines/found.ts";

/**
 * How long after the deadline the last read that found the record was sent, at most: the grain of two clocks. How long the
 * answer took does not count.
 */
const ALLOWANCE_MS = 25;

describe.skipIf(!isLabEquipped)("what databases do at the deadline", () => {
  let result: LabResult;
  beforeAll(async () => {
    result = await runLab({ quick: true, dynamodb: dynamoEndpoint });
  });

  const row = (key: string): RowResult => {
    const found = result.rows.find((one) => one.key === key);
    if (!found) throw new Error(`there is no row ${key}`);
    return found;
  };
  const measured = (key: string) => {
    const { measured: seen, absent } = row(key);
    if (!seen) throw new Error(`${key}: ${absent}`);
    return seen;
  };

  it.each(["redis", "redis-replica", "redis-cut-off"])("%s gives out nothing that is over", (key) => {
    const { plain, crowd, revives } = measured(key);
    expect(plain.of).toBe(200);
    expect(plain.max ?? 0).toBeLessThan(ALLOWANCE_MS);
    expect(crowd.plain.max ?? 0).toBeLessThan(ALLOWANCE_MS);
    expect(revives).toBe(false);
  });

  it("a replica that is cut off keeps what it does not give out", () => {
    expect(measured("redis-cut-off").gone.max).toBe(Number.POSITIVE_INFINITY);
  });

  it.each(["dynamodb", "postgres-none", "mariadb-none"])(
    "%s gives it out for as long as one looks, unless it checks",
    (key) => {
      const { plain, checked, checkedBySlowClock, revives } = measured(key);
      expect(plain.max).toBe(Number.POSITIVE_INFINITY);
      expect(checked.late).toBe(0);
      // A check is as good as the clock it is made by.
      expect(checkedBySlowClock.late).toBeGreaterThan(0);
      expect(revives).toBe(true);
    },
  );

  it.each(["postgres-second", "mariadb-second"])("%s gives it out until its next cleaning", (key) => {
    const { plain, checked } = measured(key);
    expect(plain.late).toBeGreaterThan(0);
    expect(checked.late).toBe(0);
  });

  it("an engine that is not there is a row that says so", () => {
    expect(row("cassandra")).toMatchObject({ absent: expect.stringContaining("--cassandra") });
    expect(row("mongodb")).toMatchObject({ absent: expect.stringContaining("--mongodb"), untested: true });
  });
});
