/** Questions to the server itself, asked by a script as all else is: a plain command can be answered by a replica. */
import { defineScript, malformedReply, type RedisStore } from "./port.ts";

const pong = defineScript("return 'PONG'", { declaresKeys: true });

/** Resolves when Redis runs a script, which is all that is asked of it; throws `store-unavailable` otherwise. */
export async function ping(redis: RedisStore): Promise<void> {
  if ((await redis.evaluate(pong, [], [])) !== "PONG") throw malformedReply();
}

/** A server that has no `INFO` says nothing. */
const info = defineScript(
  `local said = {}
for _, section in ipairs({ 'memory', 'persistence' }) do
  local text = redis.pcall('INFO', section)
  if type(text) == 'string' then table.insert(said, text) end
end
return { table.concat(said, '\\n') }`,
  { declaresKeys: true },
);

/** Reads a server's words on its memory and persistence, by the names of `INFO`; an empty map where it says nothing. */
export async function serverInfo(redis: RedisStore): Promise<Map<string, string>> {
  const reply = await redis.evaluate(info, [], []);
  const [text] = Array.isArray(reply) ? reply : [];
  if (typeof text !== "string") throw malformedReply();
  return new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const [, name, value] = /^(\w+):(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  );
}
