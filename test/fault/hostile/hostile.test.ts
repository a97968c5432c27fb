/**
 * Graphs that misbehave, each beside a well-behaved one of somebody else: the process lives, the other's stream is whole, the run has
 * one clear end, and nothing of it stays under way.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostile, NUMBERS, wait } from "./graphs.ts";

interface Server {
  url: string;
  eve: string;
  ada: string;
}

let child: ChildProcess;
let server: Server;
const lines: string[] = [];
beforeAll(async () => {
  const program = fileURLToPath(new URL("server.ts", import.meta.url));
  const dataDir = mkdtempSync(join(tmpdir(), "hostile-"));
  child = spawn(process.execPath, ["--conditions=@tenure/source", "--import", "tsx", program, dataDir], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  createInterface({ input: child.stderr as never }).on("line", (line) => lines.push(line));
  const output = createInterface({ input: child.stdout as never });
  const [first] = await Promise.race([once(output, "line"), once(child, "exit").then(() => [lines.join("\n")])]);
  server = JSON.parse(String(first)) as Server;
});
afterAll(() => child.kill());

async function ask<T>(key: string, method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(server.url + path, {
    method,
    headers: { "x-api-key": key },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** The events that a client is told of a run. */
async function told(key: string, threadId: string, assistant_id: string): Promise<string[]> {
  const response = await fetch(`${server.url}/threads/${threadId}/runs/stream`, {
    method: "POST",
    headers: { "x-api-key": key },
    body: JSON.stringify({ assistant_id, input: { n: 0 }, stream_mode: ["custom", "values", "updates"] }),
  });
  const text = await response.text();
  return text.split("\n\n").filter((block) => block.includes("id: "));
}

const newThread = async (key: string) => (await ask<{ thread_id: string }>(key, "POST", "/threads", {})).thread_id;
const numbers = (events: string[]) =>
  events.filter((event) => event.startsWith("event: custom\n")).map((event) => /^data: (.*)$/m.exec(event)?.[1]);
const ALL = Array.from({ length: NUMBERS }, (_, n) => String(n));

describe.each(Object.entries(hostile))("a graph that %s", (name, { ends, says, cancel }) => {
  it("harms nobody else, and its run ends once", async () => {
    const before = lines.length;
    const isLeft = /^(leaves|forgets|throws when|tells something when)/.test(name);
    const { eve, ada } = server;
    const assistant = `hostile-${Object.keys(hostile).indexOf(name)}`;
    const [adas, eves] = [await newThread(ada), await newThread(eve)];
    const innocent = told(ada, adas, "wellBehaved");
    const guilty = told(eve, eves, assistant);
    type Run = { run_id: string; status: string };
    const runs = () => ask<Run[]>(eve, "GET", `/threads/${eves}/runs`);
    if (cancel) {
      while ((await runs())[0]?.status !== "running") await wait(20);
      await ask(eve, "POST", `/threads/${eves}/runs/${(await runs())[0]?.run_id}/cancel?wait=1`);
    }
    const events = await guilty;
    const all = await runs();
    expect(all).toHaveLength(1);
    const status = all[0]?.status ?? "";
    if (ends === "either") expect(["success", "error"]).toContain(status);
    else expect(status).toBe(ends);
    const errors = events.filter((event) => event.startsWith("event: error\n"));
    expect(errors).toHaveLength(status === "error" ? 1 : 0);
    for (const error of errors)
      expect(JSON.parse(/^data: (.*)$/m.exec(error)?.[1] ?? "")).toMatchObject({
        message: says === undefined ? expect.any(String) : expect.stringContaining(says),
      });
    expect(numbers(await innocent)).toEqual(ALL);
    expect(events.filter((event) => event.startsWith("event: metadata\n")).length).toBeLessThan(2);
    // By then all that it has left behind has failed.
    if (isLeft) await wait(600);
    expect(child.exitCode).toBe(null);
    const thread = await ask<{ status: string }>(eve, "GET", `/threads/${eves}`);
    expect(["idle", "error", "interrupted"]).toContain(thread.status);
    for (const line of lines.slice(before))
      expect(line).toMatch(isLeft ? /rejection-unhandled|exception-uncaught/ : /^$/);
    // The thread takes another run.
    expect(numbers(await told(eve, eves, "wellBehaved"))).toEqual(ALL);
  });
});

it("is told to the operator, with the run that left it behind", () => {
  const told = lines.map((line) => JSON.parse(line) as { event: string; run?: string; error: string });
  for (const event of ["rejection-unhandled", "exception-uncaught"]) {
    const some = told.filter((one) => one.event === event);
    expect(some.length).toBeGreaterThan(0);
    expect(some.filter(({ run }) => run === undefined)).toEqual([]);
  }
});
