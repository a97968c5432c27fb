/**
 * Measures what a Lambda function loads, the time that loading takes and the time to its first byte, beside a bare Hono handler
 * on the same SDKs, bundled alike. Bundles as the real `sst` builds them (test/sst). Needs `npm run sst:platform`.
 *
 *   npm --prefix bench run lambda
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { evaluate } from "../../test/sst/program.ts";

const ROUNDS = 15;
const bare = {
  BareAuth: `import { Hono } from "hono";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { Redis } from "@upstash/redis";
const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const redis = new Redis({ url: "https://test.upstash.io", token: "token" });
const app = new Hono().get("/api/ok", (c) => c.json({ ok: true, client: !!client, redis: !!redis }));
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const response = await app.request(event.rawPath);
  awslambda.HttpResponseStream.from(stream, { statusCode: response.status, headers: {}, cookies: [] }).end(await response.text());
});
`,
  BareApi: `import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
globalThis.graph = new StateGraph(MessagesAnnotation).addNode("a", () => ({})).addEdge(START, "a").compile();
`,
};

/** Loads a bundle and asks it once, in a process of its own; times in milliseconds, memory in MB. */
const PROBE = `
const { PassThrough } = await import("node:stream");
globalThis.awslambda = { streamifyResponse: (h) => h, HttpResponseStream: { from: (s) => s } };
const begun = performance.now();
const { handler } = await import(process.argv[2]);
const loaded = performance.now();
const event = { rawPath: "/api/ok", rawQueryString: "", headers: {}, requestContext: { domainName: "x", http: { method: "GET" } } };
const stream = new PassThrough();
const first = new Promise((resolve) => stream.once("data", resolve));
void handler(event, stream, { getRemainingTimeInMillis: () => 60000 });
await first;
console.log(JSON.stringify({ init: loaded - begun, first: performance.now() - loaded, rss: process.memoryUsage.rss() / 2 ** 20 }));
process.exit();
`;

interface Probed {
  init: number;
  first: number;
  rss: number;
}

function probe(bundle: string, cwd: string, env: Record<string, string>): Promise<Probed> {
  return new Promise((resolve, reject) => {
    const script = join(cwd, "probe.mjs");
    writeFileSync(script, PROBE);
    const child = spawn(process.execPath, [script, bundle], { cwd, env: { PATH: process.env.PATH ?? "", ...env } });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    child.on("exit", () => {
      const line = output.split("\n").find((one) => one.startsWith('{"init"'));
      if (line) resolve(JSON.parse(line) as Probed);
      else reject(new Error(output.slice(-2000)));
    });
  });
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number;
/** The least is what a moment without other work takes. */
const least = (values: number[]) => Math.min(...values);

const folder = mkdtempSync(join(tmpdir(), "tenure-lambda-"));
// The bare ones are bundled by SST too, each in place of ours and with its options: Api's keep the names of classes.
const replacing = (name: "auth" | "api", to: string) => {
  const file = `packages/functions/src/lambda/${name}.ts`;
  return { file, from: readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), "utf8"), to };
};
const bundles: Record<string, { file: string; cwd: string; env: Record<string, string>; close(): void }> = {};
for (const { name, from, change } of [
  { name: "ours", from: ["Auth", "Api", "Worker"] },
  { name: "BareAuth", from: ["Auth"], change: replacing("auth", bare.BareAuth) },
  { name: "BareApi", from: ["Api"], change: replacing("api", bare.BareAuth + bare.BareApi) },
]) {
  process.stderr.write(`sst builds ${name === "ours" ? "our functions" : name}\n`);
  const program = await evaluate({ stage: "production", changes: change ? [change] : [] });
  for (const one of from) {
    const resource = program.resources.find((found) => found.name === `${one}Function`);
    bundles[name === "ours" ? one : name] = {
      file: join(program.bundleOf(one), "bundle.mjs"),
      cwd: program.bundleOf(one),
      env: {
        ...resource?.inputs.environment.variables,
        AWS_REGION: "us-east-1",
        AWS_ACCESS_KEY_ID: "x",
        AWS_SECRET_ACCESS_KEY: "x",
      },
      close: program.close,
    };
  }
}
const NAMES = ["Auth", "BareAuth", "Api", "BareApi"];
const probes: Record<string, Probed[]> = Object.fromEntries(NAMES.map((name) => [name, []]));
// The functions take turns, so that a slow moment of the machine is everybody's.
for (let round = 0; round < ROUNDS; round++) {
  process.stderr.write(`round ${round + 1} of ${ROUNDS}\n`);
  for (const name of NAMES) {
    const { file, cwd, env } = bundles[name] as (typeof bundles)[string];
    probes[name]?.push(await probe(file, cwd, env));
  }
}
const rows = ["Auth", "BareAuth", "Api", "BareApi", "Worker"].map((name) => {
  const { file } = bundles[name] as (typeof bundles)[string];
  const seen = probes[name];
  const of = (key: keyof Probed, by = median) => (seen ? Math.round(by(seen.map((one) => one[key]))) : "");
  return `| ${name} | ${statSync(file).size} | ${gzipSync(readFileSync(file)).length} | ${of("init", least)} | ${of("init")} | ${of("first")} | ${of("rss")} |`;
});
console.log(
  `| function | bytes | gzipped | init, least ms | init, ms | first byte, ms | memory, MB |\n| --- | --- | --- | --- | --- | --- | --- |`,
);
console.log(rows.join("\n"));
const ratio = (ours: string, theirs: string) =>
  median((probes[ours] ?? []).map(({ init }, i) => init / (probes[theirs]?.[i]?.init ?? Number.NaN))).toFixed(2);
const ofLeast = (ours: string, theirs: string) => {
  const [own, others] = [ours, theirs].map((name) => least((probes[name] ?? []).map(({ init }) => init)));
  return ((own as number) / (others as number)).toFixed(2);
};
console.log(
  `\ninit, ours to bare, median of the pairs: Auth ${ratio("Auth", "BareAuth")}, Api ${ratio("Api", "BareApi")}; of the least: Auth ${ofLeast("Auth", "BareAuth")}, Api ${ofLeast("Api", "BareApi")}`,
);
for (const { close } of Object.values(bundles)) close();
rmSync(folder, { recursive: true, force: true });
