/** LangGraph's own server, as a process on loopback, from a folder in which it is installed. */
import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { freePort } from "../support/stores/port.ts";

export interface Reference {
  url: string;
  pid: number;
  close(): Promise<void>;
}

export async function startReference(installed: string): Promise<Reference> {
  const modules = resolve(installed, "node_modules");
  const dist = join(modules, "@langchain/langgraph-api/dist");
  mkdirSync(join(installed, "run"), { recursive: true });
  // Within the folder, so that what the graphs import is found there.
  const cwd = mkdtempSync(join(installed, "run", "reference-"));
  copyFileSync(fileURLToPath(new URL("graphs.ts", import.meta.url)), join(cwd, "graphs.mts"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const payload = { port, nWorkers: 10, host: "127.0.0.1", cwd, graphs: { chat: "./graphs.mts:chat" } };
  const child: ChildProcess = spawn(
    process.execPath,
    [
      // Not by tsx' command, which would be a process of its own before the server's.
      "--import",
      pathToFileURL(join(modules, "tsx/dist/loader.mjs")).href,
      "--import",
      pathToFileURL(join(dist, "preload.mjs")).href,
      join(dist, "cli/entrypoint.mjs"),
      String(process.pid),
      JSON.stringify(payload),
    ],
    {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: { ...process.env, NODE_ENV: "development", LANGGRAPH_API_URL: url, LANGSMITH_TRACING: "false" },
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += chunk));
  for (;;) {
    const ok = await fetch(`${url}/ok`)
      .then(({ ok }) => ok)
      .catch(() => false);
    if (ok) break;
    if (child.exitCode !== null) throw new Error(`the reference server did not start: ${output}`);
    await new Promise((next) => setTimeout(next, 200));
  }
  return {
    url,
    pid: child.pid ?? 0,
    async close() {
      child.kill("SIGKILL");
      rmSync(cwd, { recursive: true, force: true });
    },
  };
}
