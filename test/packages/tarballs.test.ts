/**
 * The packages as others install them: packed, put into an empty folder outside the repository, compiled under each way to resolve
 * modules, and run. In the long form at the lowest version of each peer as well.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { startGateway } from "@tenure/local/gateway/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blocks, document, ROOT } from "../docs/markdown.ts";
import { isLong, WAIT_MS } from "../support/runner/size.ts";
import { dynamoEndpoint, nodePrograms, redisUrl } from "../support/stores/found.ts";
import { type Consumer, newConsumer, versionsHere } from "./consumer.ts";

/** The packages that a project of any kind installs; those of a whole application are in newcomer.test.ts. */
const PACKAGES = ["core", "http"];
const manifest = (name: string) =>
  JSON.parse(readFileSync(join(ROOT, "packages", name, "package.json"), "utf8")) as {
    peerDependencies?: Record<string, string>;
  };
const peers: Record<string, string> = Object.assign({}, ...PACKAGES.map((name) => manifest(name).peerDependencies));
delete peers["@tenure/core"];
const clients = ["redis", "ioredis"];
const servers = ["express", "@types/express", "fastify", "hono"];
const tools = {
  "@types/node": versionsHere(["@types/node"])["@types/node"] as string,
  typescript5: "npm:typescript@5.9.3",
};

const highest = { ...versionsHere([...Object.keys(peers), ...clients, ...servers, "typescript"]), ...tools };
/** The least that each range takes, and the oldest clients that the documents name. */
const lowest = {
  ...highest,
  ...Object.fromEntries(
    Object.entries(peers).map(([name, range]) => [name, /\d+\.\d+\.\d+/.exec(range)?.[0] as string]),
  ),
  ...{ redis: "6.0.0", ioredis: "5.4.0", express: "5.0.0", fastify: "5.0.0", hono: "4.0.0" },
};
const ends = isLong ? [["highest", highest] as const, ["lowest", lowest] as const] : [["highest", highest] as const];

let tarballs: string;
let said: string;
beforeAll(async () => {
  tarballs = mkdtempSync(join(tmpdir(), "tarballs-"));
  const args = ["scripts/release.mjs", "--dry-run", "--into", tarballs];
  said = await promisify(execFile)(process.execPath, args, { cwd: ROOT, timeout: WAIT_MS }).then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }: { stdout: string; stderr: string }) => `failed: ${stdout}${stderr}`,
  );
});
afterAll(() => rmSync(tarballs, { recursive: true, force: true }));

it("are packed and checked by the release, which says what would be published", () => {
  for (const name of PACKAGES) expect(said).toMatch(new RegExp(`^@tenure/${name} \\d+\\.\\d+\\.\\d+: \\d+ files`, "m"));
  expect(said).toContain("checked and not published");
});

describe.each(ends)("with the %s version of each peer", (_, packages) => {
  let consumer: Consumer;
  beforeAll(async () => {
    consumer = await newConsumer(tarballs, PACKAGES, packages);
    for (const name of PACKAGES)
      for (const [i, { language, code }] of blocks(document(`packages/${name}/README.md`)).entries())
        if (language === "ts") consumer.write(`readme/${name}-${i}.ts`, code);
  });
  afterAll(() => consumer.close());

  it.each([
    ["typescript", "nodenext"],
    ["typescript", "bundler"],
    ["typescript5", "nodenext"],
    ["typescript5", "bundler"],
  ] as const)("compile with %s under %s, the examples of their READMEs too", async (compiler, module) => {
    expect(await consumer.check(compiler, module)).toBe("");
  });

  it("would not, for a type that is wrong", async () => {
    consumer.write(
      "planted.ts",
      'import { newId } from "@tenure/core/token";\nexport const planted: number = newId("x");\n',
    );
    expect(await consumer.check("typescript", "nodenext")).toMatch(/^failed: src\/planted\.ts\(2,14\)/);
    consumer.write("planted.ts", "export {};\n");
  });

  it.each(nodePrograms)("keep and give back checkpoints, run by %s", async (node) => {
    const dynamo = await startLocalDynamo();
    try {
      const env = { DYNAMODB_ENDPOINT: dynamo.url };
      expect(await consumer.runProgram("saver", env, node)).toBe("saver: ok\n");
    } finally {
      await dynamo.close();
    }
  });

  it.runIf(dynamoEndpoint).each(nodePrograms)("keep them in DynamoDB Local, run by %s", async (node) => {
    const env = { DYNAMODB_ENDPOINT: dynamoEndpoint as string, TABLE: `consumer-${Date.now()}` };
    expect(await consumer.runProgram("saver", env, node)).toBe("saver: ok\n");
  });

  it.each(nodePrograms)("begin and end sessions, use codes and count windows, run by %s", async (node) => {
    const gateway = await startGateway({ engine: new EmbeddedRedis(), token: "token" });
    try {
      const env = { UPSTASH_URL: gateway.url, UPSTASH_TOKEN: "token", ...(redisUrl && { REDIS_URL: redisUrl }) };
      const ways = ["@upstash/redis", ...(redisUrl ? clients : [])].join(", ");
      expect(await consumer.runProgram("sessions", env, node)).toBe(`sessions: ok by ${ways}\n`);
    } finally {
      await gateway.close();
    }
  });

  it.each(nodePrograms)("guard Express, Fastify and node:http, run by %s", async (node) => {
    const gateway = await startGateway({ engine: new EmbeddedRedis(), token: "token" });
    try {
      const env = { UPSTASH_URL: gateway.url, UPSTASH_TOKEN: "token" };
      for (const on of [env, ...(redisUrl ? [{ REDIS_URL: redisUrl }] : [])])
        expect(await consumer.runProgram("server", on, node)).toBe("servers: ok\n");
    } finally {
      await gateway.close();
    }
  });
});
