/**
 * Heads of many channels, which are stored as differences to the head before them that is whole, the keyframe: what a damaged, a replaced, a
 * copied and a sealed one means for those that refer to it.
 */
import { randomBytes } from "node:crypto";
import { inflateRawSync } from "node:zlib";
import { PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type { Checkpoint } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver, type DynamoDBSaverOptions } from "@tenure/core/checkpoint";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DICTIONARY } from "../../packages/core/src/checkpoint/bytes/dictionary.ts";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";

type Values = Record<string, string>;

const WIDTH = 60;
const STEPS = 40;
const idOf = (step: number) => `1f0c${String(step).padStart(4, "0")}-0000-6000-8000-000000000000`;
const thread = (thread_id: string, step?: number) => ({
  configurable: { thread_id, checkpoint_ns: "", ...(step !== undefined && { checkpoint_id: idOf(step) }) },
});
/** Names that are numbers come first in an object, whatever their order was. */
const nameOf = (n: number) => (n % 10 === 0 ? String(WIDTH - n) : `field_${n}`);
const first: Values = Object.fromEntries(Array.from({ length: WIDTH }, (_, n) => [nameOf(n), `first ${n}`]));
/** The values of a step: each changes one channel. */
const valuesAt = (step: number): Values =>
  step === 0 ? first : { ...valuesAt(step - 1), [nameOf((step * 7) % WIDTH)]: `value of step ${step}` };

function checkpointOf(step: number, values = valuesAt(step)): Checkpoint {
  const channel_versions = Object.fromEntries(Object.keys(values).map((name) => [name, 1]));
  return { v: 4, id: idOf(step), ts: "", channel_values: values, channel_versions, versions_seen: {} };
}

describe.each(dynamoEngines)("a keyframe on $name", ({ open }) => {
  let table: TestTable;
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());
  const newSaver = (options: Partial<DynamoDBSaverOptions> = {}) =>
    new DynamoDBSaver({ client: table.client, tableName: table.tableName, ...options });

  const put = (saver: DynamoDBSaver, id: string, step: number, on?: number, values?: Values) =>
    saver.put(
      ...([thread(id, on), checkpointOf(step, values), { source: "loop", step, parents: {} } as const] as const),
      on === undefined ? checkpointOf(step, values).channel_versions : {},
    );
  async function fill(id: string, saver = newSaver()): Promise<void> {
    for (let step = 0; step < STEPS; step++) await put(saver, id, step, step === 0 ? undefined : step - 1);
  }
  const valuesOf = async (id: string, step?: number, saver = newSaver()) =>
    (await saver.getTuple(thread(id, step)))?.checkpoint.channel_values;

  async function itemsOf(id: string): Promise<Record<string, unknown>[]> {
    const { Items = [] } = await table.client.send(
      new QueryCommand({
        TableName: table.tableName,
        KeyConditionExpression: "pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues: { ":pk": `checkpoint#${id}`, ":sk": "head#" },
      }),
    );
    return Items;
  }
  /** The keyframe that each head names, by step; undefined for a whole one. */
  async function keyframesOf(id: string): Promise<(number | undefined)[]> {
    return (await itemsOf(id)).map(({ d }) => {
      const line = inflateRawSync((d as Uint8Array).subarray(5), { dictionary: DICTIONARY }).toString("latin1");
      const { t } = JSON.parse(line.slice(0, line.indexOf("\n"))) as { t?: [string] };
      return t && Number(t[0].slice(4, 8));
    });
  }

  it("is what most heads are a difference to", async () => {
    await fill("plain");
    const keyframes = await keyframesOf("plain");
    expect(keyframes.filter((one) => one === undefined).length).toBeLessThan(STEPS / 8);
    for (let step = 0; step < STEPS; step++) expect(await valuesOf("plain", step)).toEqual(valuesAt(step));
    expect(await valuesOf("plain")).toEqual(valuesAt(STEPS - 1));
  });

  it("that is damaged is named by those that need it, and the others are listed", async () => {
    await fill("damaged");
    const keyframes = await keyframesOf("damaged");
    const lost = keyframes.at(-1) as number;
    const item = (await itemsOf("damaged"))[lost];
    await table.client.send(
      new PutCommand({ TableName: table.tableName, Item: { ...item, d: Buffer.from("rubbish") } }),
    );
    await expect(valuesOf("damaged", STEPS - 1)).rejects.toThrow(idOf(lost));
    const listed: number[] = [];
    let damaged = 0;
    for await (const tuple of newSaver().list(thread("damaged"))) {
      if ("error" in tuple) damaged += 1;
      else listed.push(Number(tuple.checkpoint.id.slice(4, 8)));
    }
    expect(damaged + listed.length).toBe(STEPS);
    expect(listed).toEqual(expect.arrayContaining([0, lost - 1]));
    for (const step of listed) expect(await valuesOf("damaged", step)).toEqual(valuesAt(step));
    // A report of the thread's storage names it, with the newest one, which needs it.
    const report = await newSaver().inspect("damaged");
    expect(report.damaged).toEqual([idOf(lost), idOf(STEPS - 1)]);
    expect(report.checkpoints.length).toBe(STEPS);
  });

  it("that is put again serves those that were put on it before, in this process and in others", async () => {
    await fill("again");
    const keyframe = (await keyframesOf("again")).at(-1) as number;
    const other = newSaver();
    expect(await valuesOf("again", keyframe, other)).toEqual(valuesAt(keyframe));
    expect(await valuesOf("again", undefined, other)).toEqual(valuesAt(STEPS - 1));

    const replaced = { ...valuesAt(keyframe), [nameOf(1)]: "of the second put" };
    await put(newSaver(), "again", keyframe, keyframe, replaced);
    // The other process has the first in memory, and puts on it and on its newest child.
    await put(other, "again", STEPS, keyframe, { ...valuesAt(keyframe), [nameOf(2)]: "a fork" });
    await put(other, "again", STEPS + 1, STEPS - 1, { ...valuesAt(STEPS - 1), [nameOf(3)]: "a child" });
    await put(newSaver(), "again", STEPS + 2, keyframe, { ...replaced, [nameOf(4)]: "of the replaced" });

    expect(await valuesOf("again", keyframe)).toEqual(replaced);
    for (let step = 0; step < STEPS; step++)
      if (step !== keyframe) expect(await valuesOf("again", step)).toEqual(valuesAt(step));
    expect(await valuesOf("again", STEPS)).toEqual({ ...valuesAt(keyframe), [nameOf(2)]: "a fork" });
    expect(await valuesOf("again", STEPS + 1)).toEqual({ ...valuesAt(STEPS - 1), [nameOf(3)]: "a child" });
    expect(await valuesOf("again", STEPS + 2)).toEqual({ ...replaced, [nameOf(4)]: "of the replaced" });
  });

  it("goes along in a copy, sealed or not", async () => {
    const encryption = { current: "k", keys: { k: randomBytes(32) } };
    for (const options of [{}, { encryption }]) {
      const id = "encryption" in options ? "sealed" : "open";
      await fill(id, newSaver(options));
      expect(await newSaver(options).copyThread(thread(id), thread(`${id}-copy`))).toBe(STEPS);
      for (let step = 0; step < STEPS; step++)
        expect(await valuesOf(`${id}-copy`, step, newSaver(options))).toEqual(valuesAt(step));
    }
  });
});
