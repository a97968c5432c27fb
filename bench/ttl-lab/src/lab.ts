/** A run of the lab over its rows. */
import { isAbsent, type Row } from "./engine.ts";
import { cassandraRow } from "./engines/cassandra.ts";
import { dynamodbRow } from "./engines/dynamodb.ts";
import { mariadbRows } from "./engines/mariadb.ts";
import { mongodbRow } from "./engines/mongodb.ts";
import { postgresRows } from "./engines/postgres.ts";
import { redisRows } from "./engines/redis.ts";
import { measure } from "./measure.ts";
import type { LabResult, RowResult } from "./report.ts";
import { Servers } from "./servers.ts";

export interface LabOptions {
  quick: boolean;
  /** Only rows whose key begins with one of these; all when left out. */
  only?: string[];
  dynamodb?: string | undefined;
  postgres?: string | undefined;
  mariadb?: string | undefined;
  mongodb?: string | undefined;
  cassandra?: string | undefined;
  /** Takes a line on what is being done. */
  progress?: (line: string) => void;
}

const QUICK = { records: 200, spreadMs: 1500, crowd: 5000, short: 2500, long: 2500, mostAtOnce: 1000 };
/** Phases are random to a job that runs each minute only over a minute. */
const SLOW_SPREAD_MS = 60_000;
const FULL = { records: 200, spreadMs: 3000, crowd: 100_000, short: 30_000, long: 70_000, mostAtOnce: 20_000 };

export async function runLab({ quick, only, progress = () => {}, ...given }: LabOptions): Promise<LabResult> {
  const servers = new Servers();
  const size = quick ? QUICK : FULL;
  const rows = [
    ...redisRows(servers),
    dynamodbRow(given.dynamodb),
    ...postgresRows(servers, given.postgres),
    ...mariadbRows(servers, given.mariadb),
    cassandraRow(given.cassandra),
    mongodbRow(given.mongodb),
  ].filter(({ key, slow }) => !(quick && slow) && (!only || only.some((prefix) => key.startsWith(prefix))));
  const results: RowResult[] = [];
  try {
    for (const group of groupsOf(rows))
      results.push(
        ...(await Promise.all(group.map((row) => measureRow(row, size, (words) => progress(`${row.name}: ${words}`))))),
      );
  } finally {
    await servers.close();
  }
  const inOrder = rows.flatMap(({ key }) => results.filter((one) => one.key === key));
  return { at: new Date().toISOString(), quick, horizonMs: { short: size.short, long: size.long }, rows: inOrder };
}

/**
 * Milliseconds matter with Redis, whose rows have the machine to themselves. Elsewhere it is about seconds: those that clean
 * up are measured at once, and those that do not are, too, of which it only matters whether they do.
 */
function groupsOf(rows: Row[]): Row[][] {
  const cleans = ({ key }: Row) => /-(second|minute)$/.test(key);
  const exact = rows.filter(({ key }) => key.startsWith("redis"));
  const others = rows.filter((row) => !exact.includes(row));
  const groups = [...exact.map((row) => [row]), others.filter((row) => !cleans(row)), others.filter(cleans)];
  return groups.filter((group) => group.length > 0);
}

async function measureRow(row: Row, size: typeof QUICK, say: (words: string) => void): Promise<RowResult> {
  const { key, name, promise, source, untested, slow, mostAtOnce } = row;
  const about = { key, name, promise, source, ...(untested && { untested }) };
  say("starts");
  const engine = await row
    .open()
    .catch((error: Error) => ({ absent: `it did not start: ${error.message.split("\n")[0]}` }));
  if (isAbsent(engine)) {
    say(engine.absent);
    return { ...about, absent: engine.absent };
  }
  try {
    const { records, spreadMs, short, long } = size;
    const crowd = mostAtOnce === undefined ? size.crowd : Math.min(size.mostAtOnce, size.crowd, mostAtOnce);
    return {
      ...about,
      measured: await measure(engine, {
        records,
        spreadMs: slow ? SLOW_SPREAD_MS : spreadMs,
        horizonMs: slow ? long : short,
        crowd,
        say,
      }),
    };
  } finally {
    await engine.close();
  }
}
