/**
 * The servers of `npm run dev`, each a process: one serves, one has been warmed up and waits, and after an edit one more loads.
 *
 * A server: warming -> warm -> loading -> serving -> stopping -> gone; or loading -> gone, where its sources are wrong. Only one loads
 * and only one serves. The one that serves stays until the next one does, so that a mistake in a file takes nothing away; an edit while one
 * loads replaces that one. A server that dies while it serves is replaced once, and then only after the next edit.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { CodeMessage } from "@tenure/functions/mailer";
import type { StoreAccess } from "../stores/access.ts";
import type { FromServer, ToServer } from "./messages.ts";

const PROGRAM = fileURLToPath(new URL(`./server${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url));
/** A server that has not stopped by then is ended. */
const STOP_MS = 5_000;

export interface ServersOptions {
  access: StoreAccess;
  app: string | undefined;
  /** Called when a server begins to serve; `lines` say what it serves with. */
  onReady: (port: number, lines: string[]) => void;
  /** Called when the sources cannot be loaded; `serves` is true while an earlier server goes on. */
  onProblem: (problem: string, serves: boolean) => void;
  onMail: (message: CodeMessage) => Promise<void>;
}

export class Servers {
  private readonly options: ServersOptions;
  private serving: ChildProcess | undefined;
  private loading: ChildProcess | undefined;
  private spare: ChildProcess | undefined;
  private readonly alive = new Set<ChildProcess>();
  private deaths = 0;
  private closed = false;

  constructor(options: ServersOptions) {
    this.options = options;
  }

  /** Loads the sources as they are now, and serves them instead of the earlier ones. */
  reload(): void {
    this.deaths = 0;
    this.load();
  }

  /** Ends all of them: the one that serves as `npm start` ends, the others at once. */
  async close(): Promise<void> {
    this.closed = true;
    const gone = [...this.alive].map((child) => new Promise((resolve) => child.once("close", resolve)));
    for (const child of this.alive) {
      if (child === this.serving) stop(child);
      else child.kill("SIGKILL");
    }
    await Promise.all(gone);
  }

  private load(): void {
    this.loading?.kill("SIGKILL");
    const child = this.spare ?? this.begin();
    this.spare = undefined;
    this.loading = child;
    const { access, app } = this.options;
    send(child, { type: "serve", access, app });
  }

  private begin(): ChildProcess {
    const child = fork(PROGRAM, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.alive.add(child);
    child.on("message", (message: FromServer) => this.hear(child, message));
    child.once("close", (code, signal) => this.mourn(child, signal ?? `exit code ${code}`));
    child.on("error", () => {});
    return child;
  }

  private warmUp(): void {
    if (!this.closed) this.spare ??= this.begin();
  }

  private hear(child: ChildProcess, message: FromServer): void {
    if (message.type === "mail") void this.options.onMail(message.message);
    if (child !== this.loading) return;
    if (message.type === "ready") {
      const before = this.serving;
      this.serving = child;
      this.loading = undefined;
      this.options.onReady(message.port, message.lines);
      if (before) stop(before);
      this.warmUp();
    } else if (message.type === "failed") {
      this.loading = undefined;
      this.options.onProblem(message.problem, this.serving !== undefined);
      this.warmUp();
    }
  }

  private mourn(child: ChildProcess, why: string): void {
    this.alive.delete(child);
    if (this.closed) return;
    if (child === this.spare) this.spare = undefined;
    else if (child === this.loading) {
      this.loading = undefined;
      this.options.onProblem(`the server ended while it was loading the sources (${why})`, this.serving !== undefined);
    } else if (child === this.serving) {
      this.serving = undefined;
      this.deaths += 1;
      this.options.onProblem(`the server has died (${why})`, false);
      if (this.deaths === 1 && !this.loading) this.load();
    }
    // Runs that the one before has left behind need not wait for the next sweep.
    else if (this.serving) send(this.serving, { type: "sweep" });
  }
}

/** A process that has just ended takes no message; its end is heard of by itself. */
function send(child: ChildProcess, message: ToServer): void {
  if (child.connected) child.send(message, () => {});
}

function stop(child: ChildProcess): void {
  send(child, { type: "stop" });
  const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  child.once("close", () => clearTimeout(late));
}
