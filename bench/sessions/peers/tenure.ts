import { connectRedis } from "@tenure/core/redis";
import { createSessionStore, defaultSessionPolicy, type SessionStore } from "@tenure/core/session";
import { keyedHandle, newToken, parseToken, type SessionRef } from "@tenure/core/token";
import type { Env, Opened, Peer } from "../port.ts";

interface Data {
  user: string;
  views: number;
}

const data = { parse: (value: unknown) => value as Data };

const handleOf = (user: string) => keyedHandle("bench", "user", user);

function refOf(token: string): SessionRef {
  const ref = parseToken(token);
  if (!ref) throw new TypeError("not a token");
  return ref;
}

function found<T>(session: T | undefined): T {
  if (session === undefined) throw new Error("no such session");
  return session;
}

/** `authenticated`: operations begin by reading the session that the request came with, as an application's do. */
async function open({ restUrl, restToken }: Env, authenticated: boolean): Promise<Opened> {
  const redis = connectRedis({ url: restUrl, token: restToken, deadlineMs: 10_000 });
  const reading = createSessionStore({ redis, policy: defaultSessionPolicy, data });
  const sessions: SessionStore<Data> = createSessionStore({
    redis,
    policy: { ...defaultSessionPolicy, touchEveryMs: 0 },
    data,
  });
  const login = async (user: string) => {
    const { token, ref } = newToken(handleOf(user));
    await sessions.create(ref, { data: { user, views: 0 } });
    return token;
  };
  const after = (work: (ref: SessionRef) => Promise<unknown>) => async (token: string) => {
    const ref = refOf(token);
    if (authenticated) found(await reading.readAndTouch(ref));
    found(await work(ref));
  };
  return {
    async register() {},
    login,
    async use(token) {
      const session = await sessions.readAndTouch(refOf(token));
      if (session) await sessions.update(refOf(token), { ...session.data, views: session.data.views + 1 });
    },
    async logout(token) {
      await sessions.revoke(refOf(token));
    },
    async alive(token) {
      return (await sessions.readAndTouch(refOf(token))) !== undefined;
    },
    operations: {
      async create(user) {
        await login(user);
      },
      async read(token) {
        found(await reading.readAndTouch(refOf(token)));
      },
      async "read and touch"(token) {
        found(await sessions.readAndTouch(refOf(token)));
      },
      "update data": after((ref) => sessions.update(ref, { user: "", views: 1 })),
      rotate: after((ref) => sessions.rotate(ref, newToken(ref.handle).ref)),
      "list devices": after((ref) => sessions.list(ref.handle)),
      logout: after((ref) => sessions.revoke(ref)),
      "logout others": after((ref) => sessions.revokeOthers(ref)),
      "logout everywhere": after((ref) => sessions.revokeAll(ref.handle)),
    },
    async close() {},
  };
}

/** The session store by itself, with one call of it for each operation. */
export const tenure: Peer = {
  name: "@tenure/core/session",
  use: "`readAndTouch` with every touch written (`touchEveryMs: 0`), then `update` without a revision",
  open: (env) => open(env, false),
};

/** The same operations with the read that authenticates the request, which the other libraries' requests include. */
export const tenureRequest: Peer = {
  name: "@tenure/core/session, with the read that authenticates",
  open: (env) => open(env, true),
};
