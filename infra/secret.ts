/**
 * Secrets: `npx sst secret set <name> <value> --stage <stage>`. With `TENURE_UPSTASH=1` the database is made by this program,
 * and only the pepper is set by hand; UPSTASH_EMAIL and UPSTASH_API_KEY are then in the environment.
 */
import { isOn, setting } from "./setting";
import { isProduction } from "./stage";

/** The key of every keyed hash. A new one ends all sessions and codes. */
export const pepper = new sst.Secret("Pepper");
/** Sessions and codes of another generation do not exist: a new one is for after a restore. `npm run generation` sets it. */
export const generation = new sst.Secret("Generation", "first");

/** Keys for checkpoints at rest, with `TENURE_ENCRYPTION=1`: `k1:<base64 of 32 bytes>`. See docs/settings.md. */
export const checkpointKeys = isOn("TENURE_ENCRYPTION") ? new sst.Secret("CheckpointKeys") : undefined;

/** SST puts the provider in scope under this name where the program asks for it, and only there. */
declare const upstash: {
  RedisDatabase: new (
    name: string,
    args: object,
    options: { protect: boolean; retainOnDelete: boolean },
  ) => Record<"endpoint" | "restToken", $util.Output<string>>;
};

/**
 * AWS regions in which Upstash has primaries. Source:
 * https://upstash.com/docs/devops/developer-api/redis/create_database_global
 */
const upstashRegions = [
  ...["us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "eu-central-1", "eu-west-1", "eu-west-2"],
  ...["sa-east-1", "ap-south-1", "ap-northeast-1", "ap-southeast-1", "ap-southeast-2"],
];

/** Returns the functions' own region. Throws, with the list of regions, when Upstash is not there. */
function upstashRegion(region: string): string {
  if (upstashRegions.includes(region)) return region;
  throw new Error(
    `Upstash has no database in ${region}: set TENURE_UPSTASH_REGION to one of ${upstashRegions.join(", ")} that is near, ` +
      "or AWS_REGION to one of these.",
  );
}

/**
 * The stage's own database, with one primary and no read regions, since a replica answers late, and with eviction off,
 * since an evicted session is a logout.
 */
const database = isOn("TENURE_UPSTASH")
  ? new upstash.RedisDatabase(
      "Redis",
      {
        databaseName: `${$app.name}-${$app.stage}`,
        // Regional databases can no longer be made: global, with a primary and nothing else.
        region: "global",
        primaryRegion: setting("TENURE_UPSTASH_REGION") ?? aws.getRegionOutput().region.apply(upstashRegion),
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
export const model = setting("TENURE_MODEL");
export const modelKey = model ? new sst.Secret("ModelApiKey") : undefined;
