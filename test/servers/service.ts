/** The parts that each server of servers.ts is made of: sessions, codes and a limit, on an engine whose clock a test moves. */
import { createCodeStore, defaultCodePolicy } from "@tenure/core/otp";
import { createWindows } from "@tenure/core/ratelimit";
import { connectRedis } from "@tenure/core/redis";
import { createSessionStore, defaultSessionPolicy } from "@tenure/core/session";
import { keyedHandle } from "@tenure/core/token";
import { type Asking, createCodes, createSessions, type HeaderSink, limited } from "@tenure/http";
import { type Gateway, startGateway } from "@tenure/local/gateway/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";

interface Data {
  userId: string;
  notes: number;
}

const pepper = "a pepper of thirty-two characters, at least";
const STEP_UP_MS = 15 * 60_000;

export async function startService() {
  let now = Date.UTC(2030, 0, 1, 12, 0, 1);
  const engine = new EmbeddedRedis({ now: () => now });
  let gateway: Gateway | undefined = await startGateway({ engine, token: "token" });
  const redis = connectRedis({ url: gateway.url, token: "token", deadlineMs: 60_000 });
  const store = createSessionStore({ redis, policy: defaultSessionPolicy, data: { parse: (value) => value as Data } });
  const sessions = createSessions({ sessions: store });
  const mails: { to: string; code: string }[] = [];
  const codes = createCodes({
    codes: createCodeStore(redis, { ...defaultCodePolicy, resendMs: 0 }),
    pepper,
    send: async (mail) => void mails.push(mail),
  });
  const limit = { name: "looks", tokens: 2, windowMs: 60_000 };
  return {
    sessions,
    codes,
    mails,
    recent: sessions.recentLogin(STEP_UP_MS),
    looks: limited(createWindows(redis, pepper), limit, { subjectOf: ({ headers }) => headers.get("x-subject") ?? "" }),
    async logIn(email: string, request: Asking, sink: HeaderSink) {
      const data = { userId: email, notes: 0 };
      const { token } = await sessions.logIn({ handle: keyedHandle(pepper, "user", email), data }, request, sink);
      return { token };
    },
    advance: (ms: number) => {
      now += ms;
    },
    async loseRedis() {
      await gateway?.close();
      gateway = undefined;
    },
    async close() {
      await gateway?.close();
      await engine.close();
    },
  };
}

export type Service = Awaited<ReturnType<typeof startService>>;
