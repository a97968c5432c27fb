/** Upstash's REST API, asked as the functions ask it. Source: https://upstash.com/docs/redis/features/restapi */

const DEADLINE_MS = 10_000;

/** Undefined when it answers; else what is wrong, and with which secret. The token is in no text. */
export async function pingRedis({ url, token }) {
  const wrongUrl = (what) => ({ secret: "UpstashRedisRestUrl", what });
  const wrongToken = (what) => ({ secret: "UpstashRedisRestToken", what });
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    return wrongUrl("UpstashRedisRestUrl is no address with https://: it is the REST URL, not the one with redis://");
  const { host, hostname, protocol } = new URL(url);
  if (protocol === "http:" && !["localhost", "127.0.0.1"].includes(hostname))
    return wrongUrl("UpstashRedisRestUrl has http://: the token would be sent in the clear");

  const ask = async (...command) => {
    const response = await fetch(url, {
      method: "POST",
      redirect: "error",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify(command),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    return { status: response.status, ...(await response.json().catch(() => ({}))) };
  };
  try {
    const pong = await ask("PING");
    if (pong.status === 401 || pong.status === 403)
      return wrongToken(`${host} does not take the token (${pong.status})`);
    if (pong.result !== "PONG") return wrongUrl(`${host} does not answer PING as Upstash does (${pong.status})`);
    // A token that only reads answers PING as well.
    const ran = await ask("EVAL", "return 'ran'", "0");
    if (ran.result !== "ran") return wrongToken(`${host} runs no script for this token: it is the one that only reads`);
    return undefined;
  } catch (error) {
    return wrongUrl(`${host} does not answer (${error.cause?.code ?? error.name})`);
  }
}
