import pg from "pg";
import type { Dated, Engine, Row } from "../engine.ts";
import { postgresFolders, Servers, untilReady, userOf } from "../servers.ts";

const BATCH = 10_000;
const TABLE = "CREATE TABLE IF NOT EXISTS %s (id text PRIMARY KEY, deadline timestamptz NOT NULL)";

/** Opens the table of one way of expiring; a job deletes what is over every `everyMs` milliseconds, never when left out. */
async function open(pool: pg.Pool, table: string, everyMs: number | undefined): Promise<Engine> {
  await pool.query(TABLE.replace("%s", table));
  const sweep = () => pool.query(`DELETE FROM ${table} WHERE deadline <= now()`).catch(() => {});
  const job = everyMs === undefined ? undefined : setInterval(() => void sweep(), everyMs);
  const has = async (where: string, values: unknown[]) =>
    (await pool.query({ name: `${table} ${where}`, text: `SELECT 1 FROM ${table} WHERE ${where}`, values }))
      .rowCount === 1;
  return {
    async put(records: Dated[]) {
      for (let from = 0; from < records.length; from += BATCH) {
        const batch = records.slice(from, from + BATCH);
        await pool.query(`INSERT INTO ${table} SELECT * FROM unnest($1::text[], $2::timestamptz[])`, [
          batch.map(({ id }) => id),
          batch.map(({ deadline }) => new Date(deadline).toISOString()),
        ]);
      }
    },
    find: (id) => has("id = $1", [id]),
    // The check is the client's, as in an application that filters what it has read.
    findChecked: (id, now) => has("id = $1 AND deadline > $2", [id, new Date(now)]),
    count: async () => Number((await pool.query(`SELECT count(*) FROM ${table}`)).rows[0].count),
    async touch(id, deadline) {
      await pool.query(`UPDATE ${table} SET deadline = $2 WHERE id = $1`, [id, new Date(deadline)]);
    },
    async clear() {
      await pool.query(`TRUNCATE ${table}`);
    },
    async close() {
      clearInterval(job);
    },
  };
}

export function postgresRows(servers: Servers, url: string | undefined): Row[] {
  let pool: Promise<pg.Pool | { absent: string }> | undefined;

  async function connect(): Promise<pg.Pool | { absent: string }> {
    if (url) return new pg.Pool({ connectionString: url });
    const [initdb, program] = ["initdb", "postgres"].map((name) => Servers.find(name, postgresFolders()));
    if (!initdb || !program) return { absent: "PostgreSQL is not installed" };
    const owner = userOf("postgres");
    const data = servers.newFolder("postgres", owner);
    servers.run(initdb, ["-D", data, "-U", "lab", "-A", "trust", "--no-sync"], owner);
    const { port } = await servers.start(
      program,
      (free) => ["-D", data, "-p", `${free}`, "-h", "127.0.0.1", "-k", data, "-c", "fsync=off"],
      owner,
    );
    const made = new pg.Pool({ host: "127.0.0.1", port, user: "lab", database: "postgres", max: 10 });
    // Ended with its server, at the latest.
    made.on("error", () => {});
    await untilReady(() => made.query("SELECT 1"));
    return made;
  }

  const row = (key: string, name: string, everyMs?: number): Row => ({
    key: `postgres-${key}`,
    name: `PostgreSQL, ${name}`,
    promise: "none: rows have no lifetime",
    source: "https://www.postgresql.org/docs/current/sql-createtable.html",
    slow: everyMs !== undefined && everyMs > 10_000,
    async open() {
      pool ??= connect();
      const found = await pool;
      return "absent" in found ? found : open(found, `lab_${key}`, everyMs);
    },
  });
  return [
    row("none", "nothing"),
    row("second", "a DELETE each second", 1000),
    row("minute", "a DELETE each minute", 60_000),
  ];
}
