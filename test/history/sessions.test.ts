/** Histories of many processes at once, and the checker that goes through them. `npm run bench:strict` is the long one. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isLong, sized, some } from "../support/runner/size.ts";
import { isRedisFound, redisUrl } from "../support/stores/found.ts";
import { redisEngines } from "../support/stores/redis.ts";
import { type StartedCluster, startRedisCluster } from "../support/stores/redis-cluster.ts";
import { tcpClients } from "../support/stores/tcp-clients.ts";
import { runRound, runTcpRound } from "./run.ts";

const OPERATIONS = sized(4_000, 12_000);
const WORKERS = sized(2, 4);

/** In the short form one engine: a redis-server where there is one. */
const engines = isLong ? redisEngines(8) : redisEngines(8).slice(-1);

describe.each(engines)("sessions used by many processes at once on $name", ({ open }) => {
  let engine: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    engine = await open();
  });
  afterAll(() => engine.close());

  it("are never let through after their end, nor past their deadline, nor come back", async () => {
    const seen = { operations: 0, unknownOutcomes: 0, refusedByTime: 0, refusedAfterEnd: 0 };
    // The rounds go on until they were where it hurts: replies were lost, sessions expired, and ended ones were asked for.
    const wanted = { operations: OPERATIONS, unknownOutcomes: 40, refusedByTime: 20, refusedAfterEnd: 200 };
    const isShort = () => Object.entries(wanted).some(([what, count]) => seen[what as keyof typeof seen] < count);
    for (let round = 1; isShort(); round++) {
      const asked = { store: "tenure", name: `strict-${round}`, operations: OPERATIONS, workers: WORKERS } as const;
      const { violations, ...counts } = await runRound({ engine, ...asked });
      expect(violations).toEqual([]);
      for (const what of Object.keys(seen) as (keyof typeof seen)[]) seen[what] += counts[what];
    }
  });

  it("are caught coming back when a store reads and then writes", async () => {
    // A round has some as a rule. Chance decides what overlaps, so it goes on until one has.
    const back: string[] = [];
    for (let round = 1; back.length === 0; round++) {
      const asked = {
        engine,
        store: "read-then-write",
        name: `broken-${round}`,
        operations: 1500,
        workers: WORKERS,
      } as const;
      back.push(...(await runRound(asked)).violations.filter((one) => one.includes("after its end was seen")));
    }
  });
});

/** In the short form one client; in the long one each. */
describe.runIf(redisUrl).each(some(tcpClients))(
  "sessions used by many processes at once by $name",
  ({ name: client }) => {
    it("are never let through after their end, whatever connection is cut", async () => {
      const urls = [`${redisUrl}/9`];
      const asked = { name: `cut-${client}`, operations: OPERATIONS, workers: WORKERS, client, urls, isCluster: false };
      const { violations, ...counts } = await runTcpRound(asked);
      expect(violations).toEqual([]);
      expect(counts.unknownOutcomes).toBeGreaterThan(0);
      expect(counts.refusedAfterEnd).toBeGreaterThan(0);
    });
  },
);

describe.runIf(isRedisFound)("sessions used by many processes at once on a cluster", () => {
  let cluster: StartedCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster.close());

  it.each(some(tcpClients))("are never let through after their end, by $name", async ({ name: client }) => {
    const { urls } = cluster;
    const asked = {
      name: `cluster-${client}`,
      operations: OPERATIONS,
      workers: WORKERS,
      client,
      urls,
      isCluster: true,
    };
    const { violations, ...counts } = await runTcpRound(asked);
    expect(violations).toEqual([]);
    expect(counts.refusedAfterEnd).toBeGreaterThan(0);
  });
});
