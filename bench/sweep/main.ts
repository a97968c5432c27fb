/**
 * Measures a sweep's reads and an admission's writes, in DynamoDB's units, while so many runs wait:
 *
 *   npm --prefix bench run sweep -- --dynamodb http://127.0.0.1:8000 [--runs 200]
 */
import { randomBytes, randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { systemClock } from "@tenure/core/clock";
import { connectDynamo, ensureTable, Table } from "@tenure/core/dynamo";
import { createThreadStore, defaultLeasePolicy } from "@tenure/core/thread";

const options = { dynamodb: { type: "string" }, runs: { type: "string", default: "200" } } as const;
const { values } = parseArgs({ options });
if (!values.dynamodb) throw new Error("--dynamodb is missing: the address of a DynamoDB Local");
const runs = Number(values.runs);
const HOUR = 3_600_000;

const units = { read: 0, written: 0 };
const client = connectDynamo({
  ...{ endpoint: values.dynamodb, region: "local", credentials: { accessKeyId: "local", secretAccessKey: "local" } },
  onCost({ readUnits, writeUnits }) {
    units.read += readUnits;
    units.written += writeUnits;
  },
});

console.log("| runs that wait | read units of a sweep | for each | write units of an admission and its thread |");
console.log("| --- | --- | --- | --- |");
for (const [what, bytes, waitMs] of [
  ["of 200 bytes, due", 200, 0],
  ["of 60 KB, due", 60_000, 0],
  ["of 60 KB, in an hour", 60_000, HOUR],
] as const) {
  const tableName = `sweep-${randomUUID()}`;
  await ensureTable(client, tableName);
  const threads = createThreadStore(
    new Table({ client, tableName, clock: systemClock }),
    systemClock,
    defaultLeasePolicy,
  );
  Object.assign(units, { read: 0, written: 0 });
  for (let run = 0; run < runs; run++) {
    const threadId = randomUUID();
    const createdAt = Date.now();
    await threads.create({ id: threadId, owner: "ada", metadata: {} });
    const request = { input: randomBytes((bytes * 3) / 4).toString("base64") };
    const named = { id: randomUUID(), threadId, owner: "ada", assistantId: "agent", graphId: "agent" };
    const rest = { request, metadata: {}, multitask: "enqueue", createdAt, startAt: createdAt + waitMs };
    await threads.admit({ ...named, ...rest }, { alone: false });
  }
  const admission = units.written / runs;
  units.read = 0;
  for await (const _ of threads.unfinished(Date.now()));
  console.log(`| ${runs} ${what} | ${units.read} | ${(units.read / runs).toFixed(2)} | ${admission.toFixed(1)} |`);
}
client.destroy();
