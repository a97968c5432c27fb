/**
 * The walls: which files may not import what. `npm run walls` writes biome.walls.json from this table; test/walls plants a violation
 * of each, and looks whether the file is what the table makes. A later row replaces the earlier ones for its files.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const forbids = (message, ...group) => ({ group, message });
const rooms = (...names) => names.map((name) => `**/${name}/**`);

const above = forbids("Nothing imports these.", "@tenure/local/**", "**/local/src/**", "**/bench/**", "**/examples/**");
const upstash = forbids("Only core/src/redis/ imports this.", "@upstash/redis", "@upstash/redis/**");
const ratelimit = forbids("Windows are core/src/ratelimit/scripts.ts.", "@upstash/ratelimit");
const aws = forbids("Only core/src/dynamo/client.ts imports the AWS SDK.", "@aws-sdk/**", "@smithy/**");
const s3 = forbids("Only core/src/s3/index.ts imports the S3 client.", "@aws-sdk/client-s3");
const awsButS3 = forbids(
  "Only core/src/dynamo/client.ts imports the rest of the AWS SDK.",
  ...["@aws-sdk/**", "!@aws-sdk/client-s3", "@smithy/**"],
);
const sst = forbids("Only lambda/config.ts and infra import sst.", "sst", "sst/**");
const site = forbids("The server does not import the site.", "@tenure/web/**", "**/web/src/**");
const server = forbids(
  "The site talks to the server over HTTP.",
  ...["@tenure/core/**", "**/core/src/**", "**/functions/src/**"],
);

const ofCore = [
  forbids("Core knows no HTTP, Lambda, SST.", "hono", "hono/**", "@hono/**", "sst", "sst/**", "aws-lambda"),
  forbids(
    "Core imports none of these.",
    "@tenure/functions/**",
    "@tenure/web/**",
    "@tenure/http",
    "@tenure/http/**",
    "**/functions/src/**",
  ),
  above,
  forbids("Inside core, paths are relative, so that the walls see them.", "@tenure/core/**"),
  forbids("Configuration enters core as arguments.", "node:process", "process"),
];
const drivers = [upstash, ratelimit, aws];
const newRoom = forbids("A new room of core: say in walls/generate.mjs which side it is on.", "../*/**");
const strict = forbids("A strict feature imports redis/, and no other feature.", "../*/**", "!../redis/**");
const durable = forbids("A durable feature imports dynamo/, and no other feature.", "../*/**", "!../dynamo/**");
const nested = forbids("A durable feature imports dynamo/, and no other feature.", "../../*/**", "!../../dynamo/**");
const pure = forbids(
  "The piece table is pure: it imports bytes/ for its types.",
  "../*/**",
  "!../bytes/**",
  "../../*/**",
);
const driver = forbids("redis/, dynamo/ and s3/ import no feature and not each other.", "../*/**");
const leaf = forbids("What all import imports nothing.", "./**", "../**");

const frameworks = forbids(
  "An adapter knows its server by what it uses of it: nobody installs a server for another one's sake.",
  ...["hono", "hono/**", "@hono/**", "express", "fastify"],
);
const ofHttp = [
  frameworks,
  forbids(
    "Sessions for any server stand on core alone.",
    "@tenure/functions/**",
    "@tenure/web/**",
    "**/functions/src/**",
    "zod",
  ),
];

const ofFunctions = [above, ...drivers, sst, site];
const without = (...left) => ofFunctions.filter((one) => !left.includes(one));
const http = forbids(
  "http/ is what every request goes through: it imports core only.",
  ...rooms("account", "agent", "graphs", "lambda"),
);
const account = forbids(
  "Logins know no agent and no graph: their function starts small.",
  ...rooms("agent", "graphs", "lambda"),
);
const graphs = forbids("A graph knows nothing of who runs it.", ...rooms("account", "agent", "lambda"));
const agent = forbids("Agents and logins import http/, and not each other.", ...rooms("account", "lambda"));

const core = "packages/core/src";
const functions = "packages/functions/src";

const suites = forbids("A bench may run on what tests are made of, and never a test.", "**/*.test.ts");
const benches = forbids("No test stands on a bench.", "**/bench/**");

const table = [
  [[`${core}/*/**`], [...ofCore, ...drivers, newRoom]],
  [[`${core}/{session,otp,ratelimit,events}/**`], [...ofCore, ...drivers, strict]],
  [[`${core}/{checkpoint,thread,user,activity,assistant,memory}/**`], [...ofCore, ...drivers, durable]],
  [[`${core}/race/key.ts`], [...ofCore, ...drivers, strict]],
  [[`${core}/race/item.ts`], [...ofCore, ...drivers, durable]],
  [[`${core}/checkpoint/*/**`], [...ofCore, ...drivers, nested]],
  [[`${core}/checkpoint/piece-table/**`], [...ofCore, ...drivers, pure]],
  [[`${core}/{redis,dynamo,s3}/**`], [...ofCore, ...drivers, driver]],
  [[`${core}/redis/{index,requester}.ts`], [...ofCore, ratelimit, aws, driver]],
  [[`${core}/dynamo/client.ts`], [...ofCore, upstash, ratelimit, s3, driver]],
  [[`${core}/s3/index.ts`], [...ofCore, upstash, ratelimit, awsButS3, driver]],
  [
    [`${core}/*.ts`, `!${core}/*.test.ts`],
    [...ofCore, ...drivers, leaf],
  ],
  [["packages/http/src/**"], [above, ...drivers, sst, ...ofHttp]],
  [[`${functions}/**`], ofFunctions],
  [[`${functions}/http/**`], [...ofFunctions, http]],
  [[`${functions}/account/**`], [...ofFunctions, account]],
  [[`${functions}/graphs/**`], [...ofFunctions, graphs]],
  [[`${functions}/agent/**`], [...ofFunctions, agent]],
  [[`${functions}/lambda/credentials.ts`], without(aws)],
  [[`${functions}/lambda/config.ts`], without(sst)],
  [["packages/web/src/**"], [above, ...drivers, sst, server]],
  [["packages/local/src/**"], [...drivers, sst, site]],
  [["bench/**"], [suites]],
  [["test/**"], [benches]],
];

const plugins = [
  [[`${core}/**`], "core-globals"],
  [["packages/web/src/**"], "web-types-only"],
  [[`${core}/**`, `${functions}/**`, "packages/local/src/**"], "cleared-timers"],
];

/** The text of biome.walls.json. */
export function walls() {
  const overrides = [
    ...table.map(([includes, patterns]) => ({
      includes,
      linter: { rules: { style: { noRestrictedImports: { level: "error", options: { patterns } } } } },
    })),
    ...plugins.map(([includes, name]) => ({ includes, plugins: [`./walls/${name}.grit`] })),
  ];
  const $schema = "../node_modules/@biomejs/biome/configuration_schema.json";
  return `${JSON.stringify({ $schema, overrides }, null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(new URL("biome.walls.json", import.meta.url), walls());
