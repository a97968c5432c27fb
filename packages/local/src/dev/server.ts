/**
 * One server of `npm run dev`, in a process of its own that another one replaces. It first imports packages that no edit changes, and
 * waits; told to serve, it imports the sources, all of them new, and says at which port they are served, or what is wrong with them.
 * It ends when it is told to stop, and with the program that has started it.
 */
import type { FromServer, ToServer } from "./messages.ts";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

/** The packages that take the longest to load. One that is not there is loaded by nobody. */
const SLOW = [
  "@langchain/langgraph",
  "@langchain/langgraph/prebuilt",
  "@langchain/core/tools",
  "@aws-sdk/lib-dynamodb",
  "@upstash/redis",
  "@hono/node-server",
  "hono",
  "zod",
];
/** Files of Tenure itself, where it is installed: in the repository they are sources, which an edit changes. */
const OWN = ["@tenure/functions/api", "@tenure/functions/deps"];

const isInstalled = (name: string): boolean => {
  try {
    return import.meta.resolve(name).includes("/node_modules/");
  } catch {
    return false;
  }
};
for (const name of [...SLOW, ...OWN].filter(isInstalled)) await import(name).catch(() => {});

const say = (message: FromServer, done = () => {}) => void process.send?.(message, done);

process.once("disconnect", () => process.exit(0));
// Ctrl-C reaches every process of a terminal: the program that has started this one says when to stop.
process.on("SIGINT", () => {});

type Served = { sweep(): Promise<void>; stop(): Promise<void> };
let served: Served | undefined;

async function serve(message: Extract<ToServer, { type: "serve" }>): Promise<void> {
  try {
    const { serveSources } = await import("./serve.ts");
    served = await serveSources(message, say);
  } catch (error) {
    const { problemOf } = await import("./problem.ts");
    say({ type: "failed", problem: problemOf(error, process.cwd()) }, () => process.exit(1));
  }
}

process.on("message", (message: ToServer) => {
  if (message.type === "serve") void serve(message);
  else if (message.type === "sweep") void served?.sweep().catch(() => {});
  else
    void Promise.resolve(served?.stop())
      .catch(() => {})
      .then(() => process.exit(0));
});
say({ type: "warm" });
