/** Checks of the table, and of what removing a stage keeps. */
import { tableDefinition } from "@tenure/core/dynamo";
import { expect } from "vitest";
import { all, type Checks, only } from "./stage.ts";

export const dataChecks: Checks = {
  "the table is the one of core, with its TTL and its index"(program) {
    const { hashKey, rangeKey, ttlAttribute, billingMode, index } = tableDefinition;
    expect(only(program, "dynamodb/table:Table").inputs).toMatchObject({
      hashKey,
      rangeKey,
      billingMode,
      ttl: { attributeName: ttlAttribute, enabled: true },
      globalSecondaryIndexes: [
        { name: index.name, hashKey: index.hashKey, rangeKey: index.rangeKey, projectionType: "ALL" },
      ],
      streamEnabled: false,
    });
  },

  "the table and its index have a ceiling each"(program, { isProduction }) {
    const units = isProduction ? 4000 : 1000;
    const ceiling = { maxReadRequestUnits: units, maxWriteRequestUnits: units };
    const { onDemandThroughput, globalSecondaryIndexes } = only(program, "dynamodb/table:Table").inputs;
    expect([
      onDemandThroughput,
      ...globalSecondaryIndexes.map((index: Record<string, unknown>) => index.onDemandThroughput),
    ]).toEqual([ceiling, ceiling]);
  },

  "what production keeps is protected, and other stages leave nothing"(program, { isProduction, isShared }) {
    const table = only(program, "dynamodb/table:Table");
    expect(table.inputs.deletionProtectionEnabled).toBe(isProduction);
    expect(table.inputs.pointInTimeRecovery).toEqual({ enabled: isShared });
    // SST keeps the sources of bundles in the bucket that all stages share, whatever the stage.
    const kept = program.resources.filter(({ name, retainOnDelete }) => retainOnDelete && !name.includes("Sourcemap"));
    // The site's bucket holds nothing but what a deployment puts there.
    const irreplaceable = /dynamodb\/table:|sesv2\/emailIdentity:|upstash:/;
    const made = program.resources.filter(({ type }) => irreplaceable.test(type));
    expect(kept.map(({ name }) => name)).toEqual(isProduction ? made.map(({ name }) => name) : []);
    if (!isProduction)
      for (const { inputs } of all(program, "s3/bucket:Bucket")) expect(inputs.forceDestroy).toBe(true);
  },
};
