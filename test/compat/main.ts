/**
 * LangGraph's own tests of its server, run against Tenure:
 *
 *   npm run compat -- <path to a checkout of langchain-ai/langgraphjs> [-t <pattern>]
 *
 * Starts the local stack with the graphs that the tests need, logs a user in, and runs a copy of
 * libs/langgraph-api/tests/api.test.mts that asks this stack. Nothing of the checkout is changed or kept.
 */
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { serve } from "@hono/node-server";
import type { GraphFactory } from "@tenure/functions/graphs";
import { installExtractor, readSchemas } from "@tenure/local/graph-schemas";
import { Hono } from "hono";
import { startTestStack } from "../support/service/stack.ts";
import { graphFactory } from "./fixture.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const [checkout, ...rest] = process.argv.slice(2);
const tests = resolve(checkout ?? "", "libs/langgraph-api/tests");
if (!checkout || !existsSync(join(tests, "api.test.mts"))) {
  console.error("Name a checkout of langchain-ai/langgraphjs: npm run compat -- ../langgraphjs");
  process.exit(1);
}

// Inside this folder, so that what the copy imports is found.
const copy = join(ROOT, ".compat");
rmSync(copy, { recursive: true, force: true });
mkdirSync(copy);
process.once("exit", () => rmSync(copy, { recursive: true, force: true }));
cpSync(tests, copy, { recursive: true });

const config = JSON.parse(readFileSync(join(copy, "graphs/langgraph.json"), "utf8")) as {
  graphs: Record<string, string>;
  http?: { app: string };
  env?: { LANGGRAPH_CONFIG?: string };
};
// A graph of the fixtures asks its server for a logger.
const quiet = () => {};
Object.assign(globalThis, {
  [Symbol.for("langgraph.api.sdk-logger")]: { debug: quiet, info: quiet, warn: quiet, error: quiet },
});
const graphs: Record<string, GraphFactory> = {};
for (const [name, place] of Object.entries(config.graphs)) {
  const factory = graphFactory(await load(place));
  if (!factory) throw new Error(`${place} is no graph`);
  graphs[name] = factory;
}

const settings = JSON.parse(config.env?.LANGGRAPH_CONFIG ?? "{}") as Record<
  string,
  { configurable?: object; context?: Record<string, unknown> }
>;
const defaults = Object.fromEntries(
  Object.entries(settings).map(([name, { configurable, context }]) => [
    name,
    { ...(configurable && { config: { configurable } }), ...(context && { context }) },
  ]),
);
const extractor = join(ROOT, "node_modules/.cache/tenure-schemas");
installExtractor(extractor, console.error);
const places = Object.entries(config.graphs).map(([name, place]) => [name, join(copy, "graphs", place)]);
const schemas = await readSchemas(Object.fromEntries(places), extractor);
const stack = await startTestStack({}, { graphs, schemas, defaults });
const token = await stack.logIn("compat@example.com");
const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };

/**
 * The tests ask at the root, without a credential, and begin by emptying the server. The web application of the fixtures,
 * with its middleware, is put before it as a deployment puts its own Hono application before this API.
 */
const front = new Hono();
front.post("/internal/truncate", async (c) => {
  await truncate(await c.req.json());
  return c.json({ ok: true });
});
if (config.http) front.route("/", (await load(config.http.app)) as Hono);
front.all("*", async (c) => {
  const { pathname, search } = new URL(c.req.url);
  const body = await c.req.text();
  const answer = await fetch(stack.api + pathname + search, {
    method: c.req.method,
    headers: { ...c.req.header(), ...headers },
    ...(body !== "" && { body }),
    signal: c.req.raw.signal,
  });
  const passed = [...answer.headers].filter(
    ([name]) => !/^(transfer-encoding|content-encoding|connection)$/.test(name),
  );
  return new Response(answer.body, { status: answer.status, headers: passed });
});
const server = await new Promise<Server>((ready) => {
  const made = serve({ fetch: front.fetch, port: 0, hostname: "127.0.0.1" }, () => ready(made)) as Server;
});
const root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
// Where a client of the SDK that is given no address finds the server that it is in.
Object.assign(globalThis, { [Symbol.for("langgraph_api:url")]: root });

const file = join(copy, "api.test.mts");
writeFileSync(file, readFileSync(file, "utf8").replaceAll("http://localhost:2024", root));
for (const name of ["postgres", "wait-port"]) writeFileSync(join(copy, `${name}.mjs`), "export default () => ({});\n");
writeFileSync(
  join(copy, "vitest.config.mjs"),
  `export default { root: ${JSON.stringify(copy)}, resolve: { alias: { postgres: ${JSON.stringify(join(copy, "postgres.mjs"))}, "wait-port": ${JSON.stringify(join(copy, "wait-port.mjs"))} } }, test: { include: ["api.test.mts"], testTimeout: 30000, hookTimeout: 60000 } };\n`,
);

const { CI: _, ...env } = process.env;
const child = spawn(
  join(ROOT, "node_modules/.bin/vitest"),
  ["run", "--config", join(copy, "vitest.config.mjs"), ...rest],
  {
    cwd: copy,
    env,
    stdio: "inherit",
  },
);
child.on("exit", async (code) => {
  server.closeAllConnections();
  server.close();
  await stack.close();
  process.exit(code ?? 1);
});

/** Resolves to what `file:export` names among the fixtures. */
async function load(place: string): Promise<unknown> {
  const [file = "", exported = ""] = place.split(":");
  const module = (await import(pathToFileURL(join(copy, "graphs", file)).href)) as Record<string, unknown>;
  return module[exported];
}

async function truncate(flags: Record<string, boolean>): Promise<void> {
  const ask = async (method: string, path: string, body?: object) => {
    const answer = await fetch(stack.api + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    return answer.status === 204 ? undefined : ((await answer.json()) as never);
  };
  if (flags.threads) {
    const found: { thread_id: string }[] =
      (await ask("POST", "/threads/search", { limit: 1000, select: ["thread_id"] })) ?? [];
    for (const { thread_id } of found) await ask("DELETE", `/threads/${thread_id}`);
  }
  if (flags.assistants) {
    const found: { assistant_id: string; metadata: { created_by?: string } }[] =
      (await ask("POST", "/assistants/search", { limit: 1000 })) ?? [];
    for (const { assistant_id, metadata } of found)
      if (metadata.created_by !== "system") await ask("DELETE", `/assistants/${assistant_id}`);
  }
  if (flags.store) {
    const { items }: { items: object[] } = (await ask("POST", "/store/items/search", {
      namespace_prefix: [],
      limit: 1000,
    })) ?? { items: [] };
    for (const item of items) await ask("DELETE", "/store/items", item);
  }
}
