import { redisStorage } from "@better-auth/redis-storage";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { Redis } from "ioredis";
import { cookieOf, type Env, type Opened, type Peer, succeeded } from "../port.ts";

const ORIGIN = "http://127.0.0.1:3999";
const PASSWORD = "correct horse battery staple";
const DAY_S = 86_400;

/** Users in memory, sessions in Redis alone: the default once there is a secondary storage. */
function createAuth(client: Redis, db: Record<string, unknown[]>, updateAge: number) {
  return betterAuth({
    baseURL: ORIGIN,
    secret: "a secret of this benchmark alone, 32+ characters",
    database: memoryAdapter(db as never),
    secondaryStorage: redisStorage({ client }),
    emailAndPassword: { enabled: true, autoSignIn: false },
    session: { updateAge, additionalFields: { views: { type: "number", required: false } } },
    telemetry: { enabled: false },
    logger: { disabled: true },
  });
}

async function open({ redisUrl }: Env): Promise<Opened> {
  const client = new Redis(redisUrl);
  const db = { user: [], session: [], account: [], verification: [] };
  const touching = createAuth(client, db, 0);
  const reading = createAuth(client, db, DAY_S);

  const send = async (path: string, options: { cookie?: string; body?: object; auth?: typeof touching } = {}) => {
    const { cookie, body, auth = touching } = options;
    return auth.handler(
      new Request(`${ORIGIN}/api/auth${path}`, {
        method: body ? "POST" : "GET",
        headers: { origin: ORIGIN, "content-type": "application/json", ...(cookie && { cookie }) },
        ...(body && { body: JSON.stringify(body) }),
      }),
    );
  };
  const login = async (user: string) => {
    const body = { email: `${user}@example.com`, password: PASSWORD };
    return cookieOf(await succeeded(send("/sign-in/email", { body })), "better-auth.session_token");
  };
  const session = async (cookie: string, auth = touching): Promise<unknown> => {
    const response = await send("/get-session", { cookie, auth });
    return response.ok ? await response.json() : null;
  };
  const does = (path: string, body?: object) => async (cookie: string) => {
    await succeeded(send(path, { cookie, auth: reading, ...(body && { body }) }));
  };
  const reads = (auth: typeof touching) => async (cookie: string) => {
    if (!(await session(cookie, auth))) throw new Error("no such session");
  };
  return {
    async register(user) {
      const body = { name: user, email: `${user}@example.com`, password: PASSWORD };
      await succeeded(send("/sign-up/email", { body }));
    },
    login,
    async use(cookie) {
      await session(cookie);
    },
    async logout(cookie) {
      await succeeded(send("/sign-out", { cookie, body: {} }));
    },
    async alive(cookie) {
      return (await session(cookie, reading)) !== null;
    },
    operations: {
      async create(user) {
        await login(user);
      },
      read: reads(reading),
      "read and touch": reads(touching),
      "update data": does("/update-session", { views: 1 }),
      "list devices": does("/list-sessions"),
      logout: does("/sign-out", {}),
      "logout others": does("/revoke-other-sessions", {}),
      "logout everywhere": does("/revoke-sessions", {}),
    },
    async close() {
      client.disconnect();
    },
  };
}

export const betterAuthPeer: Peer = {
  name: "better-auth 1.7.25 + @better-auth/redis-storage 1.7.5",
  use: "`GET /get-session` with its refresh due (`session.updateAge: 0`; by default it is due once a day)",
  open,
};
