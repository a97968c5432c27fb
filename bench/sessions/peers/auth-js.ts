import { Auth, type AuthConfig } from "@auth/core";
import type { Adapter } from "@auth/core/adapters";
import { UpstashRedisAdapter } from "@auth/upstash-redis-adapter";
import { Redis } from "@upstash/redis";
import { cookieOf, type Env, type Opened, type Peer } from "../port.ts";

const ORIGIN = "http://127.0.0.1:3998";
const MONTH_MS = 30 * 86_400_000;
const DAY_S = 86_400;
const COOKIE = "authjs.session-token";

/** The adapter's methods that Auth.js calls, which the type has optional. */
type Sessions = Required<Pick<Adapter, "createUser" | "createSession" | "updateSession">>;

const tokenOf = (cookie: string) => cookie.slice(COOKIE.length + 1);

async function open({ restUrl, restToken }: Env): Promise<Opened> {
  const client = new Redis({ url: restUrl, token: restToken, enableTelemetry: false });
  const adapter = UpstashRedisAdapter(client);
  const { createUser, createSession, updateSession } = adapter as Sessions;
  const users = new Map<string, string>();

  const config = (updateAge: number): AuthConfig => ({
    adapter,
    basePath: "/auth",
    secret: "a secret of this benchmark alone, 32+ characters",
    trustHost: true,
    providers: [],
    session: { strategy: "database", updateAge },
  });
  const touching = config(0);
  const reading = config(DAY_S);

  /** Auth.js changes the request's configuration on its way, so each gets its own. */
  const send = (path: string, config: AuthConfig, init: RequestInit = {}) =>
    Auth(new Request(`${ORIGIN}/auth${path}`, init), { ...config });
  const session = async (cookie: string, config: AuthConfig): Promise<unknown> =>
    (await send("/session", config, { headers: { cookie } })).json();

  const csrf = await send("/csrf", reading);
  const csrfCookie = cookieOf(csrf, "authjs.csrf-token");
  const { csrfToken } = (await csrf.json()) as { csrfToken: string };

  /** Creates a session as Auth.js does for a known user at the end of a sign-in. */
  const login = async (user: string) => {
    const sessionToken = crypto.randomUUID();
    const userId = users.get(user);
    if (!userId) throw new Error(`no user ${user}`);
    await createSession({ sessionToken, userId, expires: new Date(Date.now() + MONTH_MS) });
    return `${COOKIE}=${sessionToken}`;
  };
  const logout = async (cookie: string) => {
    const response = await send("/signout", reading, {
      method: "POST",
      headers: { cookie: `${cookie}; ${csrfCookie}`, "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ csrfToken }),
    });
    if (!response.headers.getSetCookie().some((line) => line.startsWith(`${COOKIE}=;`)))
      throw new Error(`not signed out: ${response.status}`);
  };
  const reads = (config: AuthConfig) => async (cookie: string) => {
    if (!(await session(cookie, config))) throw new Error("no such session");
  };
  return {
    async register(user) {
      const { id } = await createUser({ id: "", name: user, email: `${user}@example.com`, emailVerified: null });
      users.set(user, id);
    },
    login,
    async use(cookie) {
      await session(cookie, touching);
    },
    logout,
    async alive(cookie) {
      return (await session(cookie, reading)) !== null;
    },
    operations: {
      async create(user) {
        await login(user);
      },
      read: reads(reading),
      "read and touch": reads(touching),
      async "update data"(cookie) {
        await updateSession({ sessionToken: tokenOf(cookie), views: 1 } as never);
      },
      logout,
    },
    async close() {},
  };
}

export const authJs: Peer = {
  name: "@auth/core 0.41.3 + @auth/upstash-redis-adapter 2.11.3",
  use: "`GET /session` with its refresh due (`session.updateAge: 0`; by default it is due once a day)",
  open,
};
