/**
 * A Hono app of one's own, with sessions that end exactly when they should. It carries its own data, here a name and a
 * list of favourites, and proves who somebody is in its own way.
 */
import { connectRedis } from "@tenure/core/redis";
import { createSessionStore, defaultSessionPolicy } from "@tenure/core/session";
import { keyedHandle, newToken } from "@tenure/core/token";
import { clearSessionCookie, hostCookie, rotateSession, session, setSessionCookie } from "@tenure/functions/session";
import { Hono } from "hono";
import { z } from "zod";

const visitor = z.object({ name: z.string(), favourites: z.array(z.string()) });

export interface ExampleConfig {
  /** The REST URL and token of an Upstash database. */
  redis: { url: string; token: string };
  /** At least 32 characters, and a secret. */
  pepper: string;
  /** Resolves to the user when the proof is good: a password, a passkey, another site's word. */
  recognize(proof: string): Promise<{ userId: string; name: string } | undefined>;
}

export function createExample({ redis, pepper, recognize }: ExampleConfig) {
  const sessions = createSessionStore({
    redis: connectRedis(redis),
    policy: { ...defaultSessionPolicy, idleMs: 10 * 60_000 },
    data: visitor,
  });

  return new Hono()
    .post("/login", async (c) => {
      const user = await recognize(await c.req.text());
      if (!user) return c.text("That is not right.", 401);
      const { token, ref } = newToken(keyedHandle(pepper, "user", user.userId));
      const { session } = await sessions.create(ref, { data: { name: user.name, favourites: [] } });
      setSessionCookie(c, hostCookie, token, session);
      return c.text(`Welcome, ${user.name}.`);
    })

    .use("/me/*", session({ sessions }))
    .get("/me/name", (c) => c.text(c.var.session.data.name))
    .post("/me/favourites", async (c) => {
      const { data, revision } = c.var.session;
      const favourites = [...data.favourites, await c.req.text()];
      const updated = await sessions.update(c.var.sessionRef, { ...data, favourites }, revision);
      if (updated === "stale") return c.text("It was changed elsewhere: look again.", 409);
      return updated ? c.json(updated.data.favourites) : c.text("Logged out meanwhile.", 401);
    })
    .post("/me/promote", async (c) => {
      // The session may do more from now on, so whoever knew the old token must not have it.
      await rotateSession(c, { sessions });
      return c.text("Now you may do more.");
    })
    .post("/me/logout", async (c) => {
      await sessions.revoke(c.var.sessionRef);
      clearSessionCookie(c, hostCookie);
      return c.text("Goodbye.");
    });
}
