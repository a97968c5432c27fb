/**
 * Upstash's server-sent events for `subscribe` and `psubscribe`: `/subscribe/<channel>` is answered with a line for the subscription
 * and then one for each message, until either end goes. Source: https://upstash.com/docs/redis/features/restapi#subscribe
 *
 * A message is one line, as `@upstash/redis` reads it: of one with several lines it would see the first.
 */
import type { ServerResponse } from "node:http";
import type { Hearing, RedisEngine } from "../redis/engine.ts";
import { toBytes, toText } from "../redis/reply.ts";

/** The kind of subscription that a path asks for, and the channels or patterns; undefined for any other path. */
export function subscriptionOf({ pathname }: URL): Pick<Hearing, "kind" | "names"> | undefined {
  const [kind = "", ...names] = pathname.slice(1).split("/").map(decodeURIComponent);
  const lower = kind.toLowerCase();
  if ((lower !== "subscribe" && lower !== "psubscribe") || names.length === 0) return undefined;
  return { kind: lower, names: names.map(toBytes) };
}

export async function streamMessages(
  engine: RedisEngine,
  { kind, names }: Pick<Hearing, "kind" | "names">,
  response: ServerResponse,
): Promise<void> {
  const tell = (...words: string[]) => void response.write(`data: ${words.map(toText).join(",")}\n\n`);
  const stop = await engine.subscribe({
    kind,
    names,
    heard: (message) => tell(...message),
    lost: () => response.destroy(),
  });
  // The client may have gone meanwhile.
  if (response.destroyed) return stop();
  response.once("close", stop);
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  for (const [i, name] of names.entries()) tell(kind, name, String(i + 1));
}
