/** `npm run lab`: what every database here really does at the deadline. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { chart } from "./chart.ts";
import { faultsOf } from "./facts.ts";
import { runLab } from "./lab.ts";
import { table } from "./report.ts";

const HELP = `npm run lab -- [options]

Measures until when each database gives out a record that is over. It starts redis-server, PostgreSQL and MariaDB by itself
where they are installed; the others are measured where an address is given.

  --quick               about a minute, without what cleans up once a minute
  --only <key,…>        rows whose key begins so: redis, dynamodb, postgres, mariadb, cassandra, mongodb
  --dynamodb <url|aws>  DynamoDB Local, as http://127.0.0.1:8000, or your account
  --postgres <url>      postgres://user:password@host/database, instead of one of its own
  --mariadb <url>       mysql://user:password@host/database, instead of one of its own
  --cassandra <host>
  --mongodb <url>
  --json                the result as JSON on stdout, and nothing else there
  --chart <file>        a chart as SVG
  --check               ends with 1 when a fact that every run has to find was not seen; wants all servers and DynamoDB Local
  --help
`;

const options = {
  quick: { type: "boolean", default: false },
  only: { type: "string" },
  dynamodb: { type: "string" },
  postgres: { type: "string" },
  mariadb: { type: "string" },
  cassandra: { type: "string" },
  mongodb: { type: "string" },
  json: { type: "boolean", default: false },
  chart: { type: "string" },
  check: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;
function fail(problem: string): never {
  process.stderr.write(`lab: ${problem}\n`);
  process.exit(1);
}

function read() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return fail(`${(error as Error).message.split(". ")[0]}: see npm run lab -- --help`);
  }
}

const values = read();
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const { quick, only, dynamodb, postgres, mariadb, cassandra, mongodb } = values;
const result = await runLab({
  ...{ quick, dynamodb, postgres, mariadb, cassandra, mongodb },
  ...(only && { only: only.split(",") }),
  progress: (line) => process.stderr.write(`${Math.round(performance.now() / 1000)} s  ${line}\n`),
});
if (result.rows.length === 0) fail(`--only ${only}: no row begins so; see npm run lab -- --help`);
if (values.chart) {
  // npm runs this in a folder of its own.
  const file = resolve(process.env.INIT_CWD ?? "", values.chart);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, chart(result));
}
// JSON has no infinity: the lateness of what never ended is a word there.
const words = (_key: string, value: unknown) => (value === Number.POSITIVE_INFINITY ? "still there" : value);
process.stdout.write(values.json ? `${JSON.stringify(result, words, 2)}\n` : `${table(result)}\n`);
const faults = values.check ? faultsOf(result) : [];
for (const fault of faults) process.stderr.write(`lab: ${fault}\n`);
process.exit(faults.length > 0 ? 1 : 0);
