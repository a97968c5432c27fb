import mysql from "mysql2/promise";
import type { Dated, Engine, Row } from "../engine.ts";
import { Servers, untilReady, userOf } from "../servers.ts";

const BATCH = 5000;

/** Opens the table of one way of expiring; `every` is the schedule of an EVENT that deletes what is over. */
async function open(pool: mysql.Pool, table: string, every: string | undefined): Promise<Engine> {
  await pool.query(
    `CREATE TABLE IF NOT EXISTS ${table} (id varchar(64) PRIMARY KEY, deadline datetime(3) NOT NULL, KEY (deadline))`,
  );
  if (every)
    await pool.query(
      `CREATE EVENT IF NOT EXISTS ${table}_sweep ON SCHEDULE EVERY ${every} DO DELETE FROM ${table} WHERE deadline <= UTC_TIMESTAMP(3)`,
    );
  const at = (instant: number) => new Date(instant).toISOString().replace("T", " ").replace("Z", "");
  const has = async (where: string, values: string[]) => {
    const [rows] = await pool.execute<mysql.RowDataPacket[]>(`SELECT 1 FROM ${table} WHERE ${where}`, values);
    return rows.length === 1;
  };
  return {
    async put(records: Dated[]) {
      for (let from = 0; from < records.length; from += BATCH) {
        const rows = records.slice(from, from + BATCH).map(({ id, deadline }) => [id, at(deadline)]);
        await pool.query(`INSERT INTO ${table} (id, deadline) VALUES ?`, [rows]);
      }
    },
    find: (id) => has("id = ?", [id]),
    findChecked: (id, now) => has("id = ? AND deadline > ?", [id, at(now)]),
    async count() {
      const [rows] = await pool.query<mysql.RowDataPacket[]>(`SELECT count(*) AS many FROM ${table}`);
      return Number(rows[0]?.many);
    },
    async touch(id, deadline) {
      await pool.execute(`UPDATE ${table} SET deadline = ? WHERE id = ?`, [at(deadline), id]);
    },
    async clear() {
      await pool.query(`TRUNCATE ${table}`);
    },
    close: async () => {},
  };
}

export function mariadbRows(servers: Servers, url: string | undefined): Row[] {
  let pool: Promise<mysql.Pool | { absent: string }> | undefined;

  async function connect(): Promise<mysql.Pool | { absent: string }> {
    if (url) return mysql.createPool(url);
    const [install, program] = ["mariadb-install-db", "mariadbd"].map((name) => Servers.find(name));
    if (!install || !program) return { absent: "MariaDB is not installed" };
    const owner = userOf("mysql");
    const data = servers.newFolder("mariadb", owner);
    const user = owner ? ["--user=mysql"] : [];
    servers.run(install, [`--datadir=${data}`, "--auth-root-authentication-method=normal", "--skip-test-db", ...user]);
    const { port } = await servers.start(program, (free) => [
      "--no-defaults",
      `--datadir=${data}`,
      `--port=${free}`,
      "--bind-address=127.0.0.1",
      `--socket=${data}/socket`,
      "--event-scheduler=ON",
      ...user,
    ]);
    await untilReady(async () => {
      const one = await mysql.createConnection({ host: "127.0.0.1", port, user: "root" });
      await one.query("CREATE DATABASE IF NOT EXISTS lab");
      await one.end();
    });
    return mysql.createPool({ host: "127.0.0.1", port, user: "root", database: "lab", connectionLimit: 10 });
  }

  const row = (key: string, name: string, every?: string): Row => ({
    key: `mariadb-${key}`,
    name: `MariaDB, ${name}`,
    promise: "none: rows have no lifetime",
    source: "https://mariadb.com/docs/server/server-usage/triggers-events/event-scheduler",
    slow: every === "1 MINUTE",
    async open() {
      pool ??= connect();
      const found = await pool;
      return "absent" in found ? found : open(found, `lab_${key}`, every);
    },
  });
  return [
    row("none", "nothing"),
    row("second", "an EVENT each second", "1 SECOND"),
    row("minute", "an EVENT each minute", "1 MINUTE"),
  ];
}
