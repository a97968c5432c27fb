/** A stack of its own process, with hostile graphs. Prints its address and two users' tokens, and then each line for the operator. */
import { startStack } from "@tenure/local/stack";
import { freePort } from "../../support/stores/port.ts";
import { hostile, wellBehaved } from "./graphs.ts";

const port = await freePort();
const graphs = Object.fromEntries(Object.values(hostile).map(({ graph }, n) => [`hostile-${n}`, graph]));
const codes = new Map<string, string>();
const config = { port, dataDir: process.argv[2] as string, limits: "off" as const, cookie: "host" as const };
const stack = await startStack(config, {
  onMail: ({ to, code }) => void codes.set(to, code),
  graphs: { ...graphs, wellBehaved },
});
const post = async (path: string, body: object) =>
  (await (await fetch(`${stack.url}/api${path}`, { method: "POST", body: JSON.stringify(body) })).json()) as Record<
    string,
    string
  >;
const logIn = async (email: string) => {
  const { challenge } = await post("/auth/code", { email });
  return (await post("/auth/verify", { challenge, code: codes.get(email) })).token;
};
const [eve, ada] = [await logIn("eve@example.com"), await logIn("ada@example.com")];
console.log(JSON.stringify({ url: `${stack.url}/api`, eve, ada }));
process.on("message", () => process.send?.(process.memoryUsage().rss));
