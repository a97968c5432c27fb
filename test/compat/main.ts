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
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { GraphFactory } from "@tenure/functions/graphs";
import { startTestStack } from "../engines/stack.ts";
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
  env?: { LANGGRAPH_CONFIG?: string };
};
// One of the graphs asks its server for a logger.
const quiet = () => {};
Object.assign(globalThis, {
  [Symbol.for("langgraph.api.sdk-logger")]: { debug: quiet, info: quiet, warn: quiet, error: quiet },
});
const graphs: Record<string, GraphFactory> = {};
for (const [name, place] of Object.entries(config.graphs)) {
  const [file = "", exported = "graph"] = place.split(":");
  const module = (await import(pathToFileURL(join(copy, "graphs", file)).href)) as Record<string, unknown>;
  const factory = graphFactory(await module[exported]);
  if (factory) graphs[name] = factory;
  else console.error(`left out: ${name} is made anew for each request, which graphs here are not`);
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
const stack = await startTestStack({}, { graphs, defaults });
const token = await stack.logIn("compat@example.com");
const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };

/** The tests ask at the root, without a credential, and begin by emptying the server. */
const front = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  if (request.url === "/internal/truncate") {
    await truncate(JSON.parse(body.toString()) as Record<string, boolean>);
    return void response.end('{"ok":true}');
  }
  const abort = new AbortController();
  response.on("close", () => abort.abort());
  try {
    const answer = await fetch(stack.api + request.url, {
      method: request.method ?? "GET",
      headers: { ...(request.headers as Record<string, string>), ...headers },
      ...(body.length > 0 && { body }),
      signal: abort.signal,
    });
    const passed = Object.fromEntries(
      [...answer.headers].filter(
        ([name]) => !/^(transfer-encoding|content-encoding|content-length|connection)$/.test(name),
      ),
    );
    response.writeHead(answer.status, passed);
    response.flushHeaders();
    for await (const chunk of answer.body ?? []) response.write(chunk);
    response.end();
  } catch {
    response.destroy();
  }
});
await new Promise<void>((ready) => front.listen(0, "127.0.0.1", ready));
const port = (front.address() as AddressInfo).port;

const file = join(copy, "api.test.mts");
writeFileSync(file, readFileSync(file, "utf8").replaceAll("http://localhost:2024", `http://127.0.0.1:${port}`));
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
  front.closeAllConnections();
  front.close();
  await stack.close();
  process.exit(code ?? 1);
});

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
