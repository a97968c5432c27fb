/** The one table, as packages/core/src/dynamo/definition.ts has it: the local stack makes the same. */
import { tableDefinition } from "./parts";
import "./permission";
import { isProduction, isShared } from "./stage";

const { hashKey, rangeKey, ttlAttribute, index, billingMode } = tableDefinition;

/** More than this in a second is not traffic but a mistake, and would cost accordingly. */
const MAX_REQUEST_UNITS = isProduction ? 4000 : 1000;
/** The ceiling of the table, and of its index, which has a ceiling of its own: one that is reached holds back the table's writes. */
const onDemandThroughput = { maxReadRequestUnits: MAX_REQUEST_UNITS, maxWriteRequestUnits: MAX_REQUEST_UNITS };

export const table = new sst.aws.Dynamo("Table", {
  fields: { [hashKey]: "string", [rangeKey]: "string", [index.hashKey]: "string", [index.rangeKey]: "string" },
  primaryIndex: { hashKey, rangeKey },
  globalIndexes: { [index.name]: { hashKey: index.hashKey, rangeKey: index.rangeKey, projection: "all" } },
  ttl: ttlAttribute,
  deletionProtection: isProduction,
  transform: {
    table: (args) => {
      args.billingMode = billingMode;
      args.onDemandThroughput = onDemandThroughput;
      args.globalSecondaryIndexes = $output(args.globalSecondaryIndexes).apply((indexes) =>
        (indexes ?? []).map((one) => ({ ...one, onDemandThroughput })),
      );
      args.pointInTimeRecovery = { enabled: isShared };
    },
  },
});
