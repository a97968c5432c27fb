/** `npm run dev` as a developer meets it: a file is saved, and what it says is served; nothing that is kept goes away. */
import { type ChildProcess, spawn } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@langchain/langgraph-sdk";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ROOT } from "../docs/markdown.ts";
import { freePort } from "../support/stores/port.ts";
import { logIn } from "./program.ts";

const GRAPH = `import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { GraphFactory } from "@tenure/functions/graphs";
import { stopped } from "../stopped.ts";

export const echo: GraphFactory = ({ checkpointer }) =>
  new StateGraph(MessagesAnnotation)
    .addNode("first", () => ({ messages: [{ role: "assistant", content: "the first step" }] }))
    .addNode("answer", async ({ messages }) => {
      if (messages[0]?.content === "wait") await stopped();
      return { messages: [{ role: "assistant", content: "the first words" }] };
    })
    .addEdge(START, "first")
    .addEdge("first", "answer")
    .compile({ ...(checkpointer && { checkpointer }) });
`;
/** A step that goes on only in a server that was told so by an edit. */
const STOPPED = "export const stopped = () => new Promise<void>(() => {});\n";
const ROUTE = `import type { RouteEnv } from "@tenure/functions/app";
import { Hono } from "hono";

export const greeting = () => new Hono<RouteEnv>().get("/", (c) => c.json({ says: "hello", to: c.var.session.data.email }));
`;
const APP = `import { defineApp } from "@tenure/functions/app";
import { echo } from "./graphs/echo.ts";
import { greeting } from "./routes/greeting.ts";

export default defineApp({ graphs: { echo }, routes: { "/greeting": greeting } });
`;

let folder: string;
let child: ChildProcess | undefined;
let output = "";
const heard: (() => void)[] = [];

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "tenure-dev-")));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  save("src/graphs/echo.ts", GRAPH);
  save("src/stopped.ts", STOPPED);
  save("src/routes/greeting.ts", ROUTE);
  save("src/app.ts", APP);
});
afterEach(async () => {
  if (child && child.exitCode === null) {
    const gone = new Promise((resolve) => child?.once("close", resolve));
    child.kill("SIGINT");
    await gone;
  }
  rmSync(folder, { recursive: true, force: true });
});

/** Written beside and moved into its place, as many editors do. */
function save(path: string, text: string): void {
  const file = join(folder, path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(`${file}~`, text);
  renameSync(`${file}~`, file);
}

const edit = (path: string, from: string, to: string): void =>
  save(path, readFileSync(join(folder, path), "utf8").replace(from, to));

/** Resolves when the program says it after the place `from`, and returns the end of it. */
async function said(text: string | RegExp, from = 0): Promise<number> {
  for (;;) {
    const found = typeof text === "string" ? output.slice(from).indexOf(text) : output.slice(from).search(text);
    if (found >= 0) return from + found + 1;
    await new Promise<void>((resolve) => heard.push(resolve));
  }
}

async function start(): Promise<string> {
  const port = await freePort();
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TENURE_|VITEST)/.test(name)));
  output = "";
  child = spawn(
    process.execPath,
    ["--conditions=@tenure/source", "--import", "tsx", join(ROOT, "packages/local/src/main.ts"), "dev"],
    {
      ...{ cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
      env: { ...inherited, PORT: String(port), TENURE_DATA_DIR: join(folder, "data"), TENURE_LIMITS: "off" },
    },
  );
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk) => {
      output += chunk;
      for (const hear of heard.splice(0)) hear();
    });
  return `http://localhost:${port}`;
}

const times = (): string[] => [...output.matchAll(/served after \d+ ms/g)].map(([text]) => text);

async function connected(): Promise<{ client: Client; url: string; headers: Record<string, string> }> {
  const url = await start();
  await said("Ctrl-C stops it");
  const headers = { Authorization: `Bearer ${await logIn(url, () => output)}` };
  return { url, headers, client: new Client({ apiUrl: `${url}/api`, defaultHeaders: headers }) };
}

const lastOf = (values: unknown) => (values as { messages: { content: string }[] }).messages.at(-1)?.content;

it("serves a changed graph and a changed route, with the login and the thread that were there", async () => {
  const { client, url, headers } = await connected();
  const greet = async () =>
    (await (await fetch(`${url}/api/greeting`, { headers })).json()) as { says: string; to: string };
  const { thread_id } = await client.threads.create();
  const ask = async () =>
    lastOf(await client.runs.wait(thread_id, "echo", { input: { messages: [{ role: "user", content: "hi" }] } }));
  expect(await ask()).toBe("the first words");
  expect(await greet()).toEqual({ says: "hello", to: "a@example.com" });
  expect((await fetch(`${url}/api/greeting`)).status).toBe(401);

  let at = output.length;
  edit("src/graphs/echo.ts", "the first words", "other words");
  await said("src/graphs/echo.ts changed: served after", at);
  expect(await ask()).toBe("other words");

  at = output.length;
  edit("src/routes/greeting.ts", '"hello"', '"good evening"');
  await said("src/routes/greeting.ts changed: served after", at);
  expect((await greet()).says).toBe("good evening");
  expect((await client.threads.getState(thread_id)).values).toMatchObject({ messages: { length: 6 } });
  console.log(times().join(", "));
});

it("tells a stream that its server goes, and its client hears the rest from the next one", async () => {
  const { client, url, headers } = await connected();
  const { thread_id } = await client.threads.create();
  const input = { messages: [{ role: "user", content: "wait" }] };
  const body = JSON.stringify({ assistant_id: "echo", input, stream_mode: ["updates"] });
  const response = await fetch(`${url}/api/threads/${thread_id}/runs/stream`, {
    ...{ method: "POST", body, headers: { ...headers, "Content-Type": "application/json" } },
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const readUntil = async (what: string | RegExp) => {
    while (text.search(what) < 0) text += (await reader?.read())?.value ?? "";
  };
  await readUntil("the first step");
  // The SDK's client follows the same run, and is the one that must hear its end.
  const runId = /threads\/[^/]+\/runs\/([^/]+)/.exec(response.headers.get("Content-Location") ?? "")?.[1] as string;
  const followed = (async () => {
    const events: string[] = [];
    for await (const { data } of client.runs.joinStream(thread_id, runId)) events.push(JSON.stringify(data));
    return events.join("\n");
  })();
  edit("src/stopped.ts", "new Promise<void>(() => {})", "Promise.resolve()");
  await readUntil(": this server stops, and the run goes on");
  await expect(reader?.read()).rejects.toThrow();
  expect(await followed).toContain("the first words");
});

it("shows a mistake once, in plain words, and goes on with the server from before", async () => {
  const { url, headers } = await connected();
  const status = async () => (await fetch(`${url}/api/greeting`, { headers })).status;
  let at = output.length;
  edit("src/routes/greeting.ts", "=> new", "=> => new");
  await said("the server from before goes on, until the next change", at);
  expect(output.slice(at).trim().split("\n")).toEqual([
    expect.stringMatching(/^tenure: src\/routes\/greeting\.ts:4:\d+: Unexpected "=>"$/),
    "tenure: the server from before goes on, until the next change",
  ]);
  expect(await status()).toBe(200);

  at = output.length;
  edit("src/app.ts", "./graphs/echo.ts", "./graphs/nowhere.ts");
  edit("src/routes/greeting.ts", "=> => new", "=> new");
  await said(/nowhere\.ts/, at);
  expect(await status()).toBe(200);

  at = output.length;
  edit("src/app.ts", "graphs: { echo }", "graphs: {}");
  edit("src/app.ts", "./graphs/nowhere.ts", "./graphs/echo.ts");
  await said("an application needs at least one graph", at);

  at = output.length;
  save("src/app.ts", APP);
  await said("served after", at);
  expect(await status()).toBe(200);
});

it("waits where the first sources are wrong, and says so to whoever asks", async () => {
  save("src/app.ts", "export default 1;\n");
  const url = await start();
  const at = await said("no server runs, until the next change");
  const answer = await fetch(`${url}/api/ok`);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ detail: expect.stringContaining("what defineApp returns") });
  save("src/app.ts", APP);
  await said("Ctrl-C stops it", at);
  expect((await fetch(`${url}/api/ok`)).status).toBe(200);
});

it("takes the place of a server that dies, once, and stops as npm start does", async () => {
  const { url, headers } = await connected();
  const at = output.length;
  edit("src/routes/greeting.ts", '"/", (c) =>', '"/end", () => process.exit(7)).get("/", (c) =>');
  await said("served after", at);
  await expect(fetch(`${url}/api/greeting/end`, { headers }).then((answer) => answer.status)).resolves.toBe(503);
  await said("the server has died (exit code 7)", at);
  await said("served again", at);
  expect((await fetch(`${url}/api/greeting`, { headers })).status).toBe(200);
  child?.kill("SIGINT");
  await said("stopped");
});
