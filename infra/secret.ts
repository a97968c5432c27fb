/**
 * Secrets: `npx sst secret set <name> <value> --stage <stage>`. With `TENURE_UPSTASH=1` the database is made by this program,
 * and only the pepper is set by hand; UPSTASH_EMAIL and UPSTASH_API_KEY are then in the environment.
 */
import { isProduction } from "./stage";

/** The key of every keyed hash. A new one ends all sessions and codes. */
export const pepper = new sst.Secret("Pepper");

/** SST puts the provider in scope under this name where the program asks for it, and only there. */
declare const upstash: {
  RedisDatabase: new (
    name: string,
    args: object,
    options: { protect: boolean; retainOnDelete: boolean },
  ) => Record<"endpoint" | "restToken", $util.Output<string>>;
};

/**
 * One database for each stage, with one primary and no read regions, since a replica answers late, and with eviction off,
 * since an evicted session is a logout.
 */
const database = process.env.TENURE_UPSTASH
  ? new upstash.RedisDatabase(
      "Redis",
      {
        databaseName: `tenure-${$app.stage}`,
        // Regional databases can no longer be made: global, with a primary and nothing else.
        region: "global",
        primaryRegion: process.env.TENURE_UPSTASH_REGION ?? "us-east-1",
        readRegions: [],
        eviction: false,
        tls: true,
      },
      { protect: isProduction, retainOnDelete: isProduction },
    )
  : undefined;

/** Of one name and shape either way, so that what is linked to them cannot tell. */
export const redis = database
  ? [
      new sst.Linkable("UpstashRedisRestUrl", { properties: { value: $interpolate`https://${database.endpoint}` } }),
      new sst.Linkable("UpstashRedisRestToken", { properties: { value: database.restToken } }),
    ]
  : [new sst.Secret("UpstashRedisRestUrl"), new sst.Secret("UpstashRedisRestToken")];

/** For a model of a provider: `TENURE_MODEL=openai:gpt-5-mini` when deploying, and its key here. */
export const model = process.env.TENURE_MODEL;
export const modelKey = model ? new sst.Secret("ModelApiKey") : undefined;
