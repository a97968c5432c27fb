/**
 * `npm run dev`: the local stack whose service is replaced when a source changes. The stores, the mailbox and the address stay; a run
 * that was under way goes on from its last checkpoint in the new server, and its streams break off, so that their clients ask again.
 */
import { dirname, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "@tenure/core/clock";
import { findApp } from "../app.ts";
import type { LocalConfig } from "../config.ts";
import { closeServer } from "../listen.ts";
import { Mailbox } from "../mailbox.ts";
import { openStores } from "../stores/open.ts";
import { openFront } from "./front.ts";
import { Servers } from "./servers.ts";
import { servePages } from "./site.ts";
import { watchSources } from "./watch.ts";

export interface Development {
  close(): Promise<void>;
}

/** Resolves when the address is open; the first server may still be loading. Throws `misconfigured` as `npm start` does. */
export async function develop(config: LocalConfig, print: (line: string) => void): Promise<Development> {
  const app = findApp(process.env);
  const opened: (() => unknown)[] = [];
  const close = async () => {
    for (const end of opened.splice(0).reverse()) await end();
  };
  try {
    const stores = await openStores(config, systemClock);
    opened.push(() => stores.close());
    const front = await openFront(config.port);
    opened.push(() => closeServer(front.server));
    const mailbox = new Mailbox(({ to, code }) => print(`code for ${to}: ${code}`), systemClock);
    const site = await servePages(front, mailbox);
    opened.push(() => site.close());

    let changed: { names: string; at: number } | undefined;
    let told = "";
    let isFirst = true;
    const servers = new Servers({
      ...{ access: stores.access, app },
      onReady(port, lines) {
        front.lead(port);
        told = "";
        if (isFirst) announce(config.port, [...stores.engines, ...lines], print);
        else if (changed)
          print(`${changed.names} changed: served after ${Math.round(performance.now() - changed.at)} ms`);
        else print("served again");
        isFirst = false;
        changed = undefined;
      },
      onProblem(problem, serves) {
        if (!serves) front.refuse(`There is no server: ${problem}. The terminal of npm run dev says the same.`);
        const goesOn = serves ? "the server from before goes on" : "no server runs";
        if (problem === told) return print(`the same as before; ${goesOn}`);
        told = problem;
        for (const line of problem.split("\n")) print(`tenure: ${line}`);
        print(`tenure: ${goesOn}, until the next change`);
      },
      onMail: (message) => mailbox.sendCode(message),
    });
    opened.push(() => servers.close());
    const folders = sourceFolders(app);
    const watching = watchSources(folders, (paths) => {
      changed = { names: namesOf(paths), at: performance.now() };
      servers.reload();
    });
    opened.push(() => watching.close());
    servers.reload();
    return { close };
  } catch (error) {
    await close();
    throw error;
  }
}

function announce(port: number, lines: string[], print: (line: string) => void): void {
  print(`Tenure is at http://localhost:${port}, and follows your changes`);
  print(`  mailbox   http://localhost:${port}/dev/mail`);
  for (const line of lines) print(`  ${line}`);
  print("Ctrl-C stops it; npm run reset removes its data.");
}

/** The folders that the service is made of: the application's, and the packages' where they are sources and not installed. */
function sourceFolders(app: string | undefined): string[] {
  const entries = ["@tenure/core/errors", "@tenure/http", "@tenure/functions/api"].map((name) =>
    import.meta.resolve(name),
  );
  const sources = entries.map((url) => dirname(fileURLToPath(url))).filter((path) => path.endsWith(`${sep}src`));
  const own = sources.filter((path) => !path.includes(`${sep}node_modules${sep}`));
  return [...own, ...(app === undefined ? [] : [dirname(app)])];
}

/** One file by its name, and more by their number. */
function namesOf(paths: string[]): string {
  const [first = ""] = paths;
  const name = relative(process.cwd(), first);
  return paths.length === 1 ? name : `${name} and ${paths.length - 1} more`;
}
