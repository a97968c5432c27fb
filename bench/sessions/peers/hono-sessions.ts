import { Hono } from "hono";
import { type Session, type SessionData, type Store, sessionMiddleware } from "hono-sessions";
import { createClient, type RedisClientType } from "redis";
import { cookieOf, type Env, type Opened, type Peer, succeeded } from "../port.ts";

const EXPIRE_AFTER_S = 900;

/**
 * A store as the library's "Creating a custom storage driver" shows it, on Redis: the library brings none for Redis.
 * With `onlyExisting`, a save never makes a key, which is up to the store and is not what that guide does.
 */
function redisStore(client: RedisClientType, onlyExisting: boolean): Store {
  const keyOf = (id: string) => `hono:${id}`;
  const expiration = { type: "EX", value: EXPIRE_AFTER_S } as const;
  return {
    async getSessionById(id) {
      const json = id && (await client.get(keyOf(id)));
      return json ? (JSON.parse(json) as SessionData) : null;
    },
    async createSession(id, data) {
      await client.set(keyOf(id), JSON.stringify(data), { expiration });
    },
    async persistSessionData(id, data) {
      const condition = onlyExisting ? ({ condition: "XX" } as const) : {};
      await client.set(keyOf(id), JSON.stringify(data), { expiration, ...condition });
    },
    async deleteSession(id) {
      await client.del(keyOf(id));
    },
  };
}

/** The options of the library's readme. */
function createApp(store: Store) {
  const app = new Hono<{
    Variables: { session: Session<{ user: string; views: number }>; session_key_rotation: boolean };
  }>();
  app.use(
    "*",
    sessionMiddleware({
      store,
      encryptionKey: "password_at_least_32_characters_long",
      expireAfterSeconds: EXPIRE_AFTER_S,
      autoExtendExpiration: true,
      cookieOptions: { sameSite: "Lax", path: "/", httpOnly: true },
    }),
  );
  app.post("/login/:user", (c) => {
    c.get("session").set("user", c.req.param("user"));
    return c.body(null, 204);
  });
  app.use("*", async (c, next) => {
    if (!c.get("session").get("user")) return c.body(null, 401);
    await next();
  });
  app.get("/me", (c) => c.json({ user: c.get("session").get("user") }));
  app.post("/visit", (c) => {
    const session = c.get("session");
    session.set("views", (session.get("views") ?? 0) + 1);
    return c.body(null, 204);
  });
  app.post("/rotate", (c) => {
    c.set("session_key_rotation", true);
    return c.body(null, 204);
  });
  app.post("/logout", (c) => {
    c.get("session").deleteSession();
    return c.body(null, 204);
  });
  return app;
}

async function open({ redisUrl }: Env, onlyExisting: boolean): Promise<Opened> {
  const client: RedisClientType = createClient({ url: redisUrl });
  await client.connect();
  const app = createApp(redisStore(client, onlyExisting));
  const send = async (method: string, path: string, cookie?: string) =>
    app.request(path, { method, headers: cookie ? { cookie } : {} });
  const login = async (user: string) => cookieOf(await succeeded(send("POST", `/login/${user}`)), "session");
  const does = (method: string, path: string) => async (cookie: string) => {
    await succeeded(send(method, path, cookie));
  };
  return {
    async register() {},
    login,
    async use(cookie) {
      await send("POST", "/visit", cookie);
    },
    async logout(cookie) {
      await send("POST", "/logout", cookie);
    },
    async alive(cookie) {
      return (await send("GET", "/me", cookie)).status === 200;
    },
    operations: {
      async create(user) {
        await login(user);
      },
      read: does("GET", "/me"),
      "read and touch": does("GET", "/me"),
      "update data": does("POST", "/visit"),
      rotate: does("POST", "/rotate"),
      logout: does("POST", "/logout"),
    },
    async close() {
      await client.close();
    },
  };
}

const USE = "a Hono route that sets a number in the session, persisted by the middleware after the route";

export const honoSessions: Peer = {
  name: "hono-sessions 0.8.1, store on `SET`",
  use: `${USE} with \`SET\`, an upsert as in the library's guide to custom stores`,
  open: (env) => open(env, false),
};

/** hono-sessions over a store that is more careful than the guide's. */
export const honoSessionsOnlyExisting: Peer = {
  name: "hono-sessions 0.8.1, store on `SET … XX`",
  use: `${USE} with \`SET … XX\`, which is not what the guide does`,
  open: (env) => open(env, true),
};
