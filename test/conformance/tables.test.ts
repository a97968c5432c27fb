/** The table, made by whichever process starts first, over every DynamoDB. */
import { randomUUID } from "node:crypto";
import { systemClock } from "@tenure/core/clock";
import { connectDynamo, describeTable, ensureTable, Table, tableDefinition } from "@tenure/core/dynamo";
import { describe, expect, it } from "vitest";
import { credentials, dynamoEngines } from "../support/stores/dynamo.ts";

describe.each(dynamoEngines)("on $name", ({ open }) => {
  it("is made once by processes that start together, and each finds it ready", async () => {
    const { endpoint, close } = await open();
    const tableName = `test-${randomUUID()}`;
    const starting = Array.from({ length: 6 }, async () => {
      const client = connectDynamo({ endpoint, region: "local", credentials, requestTimeoutMs: 120_000 });
      try {
        await ensureTable(client, tableName);
        await new Table({ client, tableName, clock: systemClock }).put({ pk: "p", sk: randomUUID() });
        return (await describeTable(client, tableName)).ttlAttribute;
      } finally {
        client.destroy();
      }
    });
    expect(await Promise.all(starting)).toEqual(starting.map(() => tableDefinition.ttlAttribute));
    await close();
  });
});
