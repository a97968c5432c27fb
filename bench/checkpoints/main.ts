/**
 * Measures what LangGraph checkpointers write and read, and the time that they take, as a thread grows. Tables on stdout,
 * progress on stderr, and a chart in write-units.svg beside this file.
 *
 *   npm --prefix bench run checkpoints -- [--max-turns 1600] [--peer-turns 200] [--quick] [--blocks 15]
 *
 * --quick is 100 turns of each, and no chart.
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { chart } from "./chart.ts";
import { type Durability, type Growth, grow } from "./growth.ts";
import { type Resume, resume } from "./resume.ts";
import { SHAPES } from "./shapes.ts";
import { openMemory, openOurs, openRwai, openSqlite, type Store } from "./stores.ts";
import { growthTable, resumeTable, shapesTable, targetsTable, timesTable } from "./tables.ts";
import { type Time, timePerTurn } from "./timing.ts";
import { ask, chat } from "./workload.ts";

const { values } = parseArgs({
  options: {
    "max-turns": { type: "string", default: "1600" },
    "peer-turns": { type: "string", default: "200" },
    blocks: { type: "string", default: "15" },
    quick: { type: "boolean", default: false },
  },
});
const flag = (name: "max-turns" | "peer-turns" | "blocks") => {
  const number = Number(values[name]);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`--${name} is a whole number above 0`);
  return number;
};
const [maxTurns, peerTurns] = values.quick ? [100, 100] : [flag("max-turns"), flag("peer-turns")];
const say = (text: string) => process.stderr.write(`${text}\n`);

const dynamo = await startLocalDynamo();
const growths: Growth[] = [];
const resumes: Resume[] = [];
try {
  const ours = async (durability: Durability, turns: number) => {
    const store = await openOurs(dynamo.url);
    const name = `${store.name}, ${durability}`;
    const after = async (turn: number) => {
      if (durability === "async" && (turn === 400 || turn === turns)) resumes.push(await resume(store, turn));
    };
    const { saver, measure } = store;
    growths.push(await grow({ name, graph: chat(saver), ask, turns, durability, measure, after, say }));
    await store.close();
  };
  await ours("async", maxTurns);
  await ours("exit", Math.min(400, maxTurns));

  const peers: [name: string, open: () => Promise<Store>][] = [
    ["@rwai/langgraphjs-checkpoint-dynamodb", () => openRwai(dynamo.url)],
    ["@langchain/langgraph-checkpoint-sqlite", openSqlite],
    ["MemorySaver", openMemory],
  ];
  const leftOut: string[] = [];
  for (const [peer, open] of peers) {
    // A saver with a native part may not have been built on this machine.
    const store = await open().catch((error: Error) => leftOut.push(`Left out: ${peer}: ${error.message}`));
    if (typeof store === "number") continue;
    const { name, saver, measure, close } = store;
    growths.push(await grow({ name, graph: chat(saver), ask, turns: peerTurns, measure, say }));
    await close();
  }

  const shapes: Growth[] = [];
  for (const { name, graph, ask } of SHAPES) {
    const { saver, measure, close } = await openOurs(dynamo.url);
    shapes.push(await grow({ name, graph: graph(saver), ask, turns: Math.min(200, maxTurns), measure, say }));
    await close();
  }

  const times: Time[] = [];
  for (const turn of [100, 400].filter((turn) => turn <= maxTurns))
    times.push(await timePerTurn({ around: turn, blocks: flag("blocks"), say }));

  const tables = [
    `Node.js ${process.version}, ${cpus().length} × ${cpus()[0]?.model}`,
    ...leftOut,
    growthTable(growths),
    resumeTable(resumes),
    timesTable(times),
    shapesTable(shapes),
    targetsTable({ growths, resumes, times }),
  ];
  console.log(tables.join("\n\n"));
  if (!values.quick) writeFileSync(new URL("write-units.svg", import.meta.url), chart(growths));
} finally {
  await dynamo.close();
}
