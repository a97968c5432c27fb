/**
 * The routes of the demo's race, which shows what expiry means in the two stores: one record with one deadline in both, read as a
 * client would read them. They need a session; a race holds no data, and belongs to its user alone.
 */
import { TenureError } from "@tenure/core/errors";
import { newId } from "@tenure/core/token";
import { Hono } from "hono";
import type { Identity } from "../http/identity.ts";
import { limits, takeOrRefuse } from "../http/limits.ts";
import { operation } from "../http/operation.ts";
import type { SessionEnv } from "../http/session/session.ts";
import type { AgentDeps } from "./deps.ts";

const LASTS_MS = 10_000;
const RACE_ID = /^race_[\w-]{22}$/;
const tag = "race";

type Race = NonNullable<AgentDeps["race"]>;

/** Instants are epoch milliseconds by Redis' clock. */
export interface RaceDescription {
  id: string;
  deadline: number;
  now: number;
}

/** The reads that found the record at `at`: of Redis, of DynamoDB as it comes, of DynamoDB with a check of the deadline. */
export interface RaceReading {
  at: number;
  redis: boolean;
  stored: boolean;
  checked: boolean;
}

export function raceRoutes(race: Race, { windows }: Pick<AgentDeps, "windows">): Hono<SessionEnv<Identity>> {
  return new Hono<SessionEnv<Identity>>()
    .post(
      "/",
      operation({ tag, summary: "Put one record with one deadline into both stores", answers: { 201: "The race" } }),
      async (c) => {
        const { userId } = c.var.session.data;
        await takeOrRefuse(c, windows, limits.racesPerUser, userId);
        const id = newId("race");
        const own = `${userId}#${id}`;
        const { deadline, now } = await race.key.put(own, LASTS_MS);
        await race.item.put(own, deadline);
        return c.json({ id, deadline, now } satisfies RaceDescription, 201);
      },
    )

    .get(
      "/:id",
      operation({ tag, summary: "Read it in three ways, now", answers: { 200: "Who still finds it" } }),
      async (c) => {
        const { userId } = c.var.session.data;
        await takeOrRefuse(c, windows, limits.raceReadsPerUser, userId);
        const id = c.req.param("id");
        if (!RACE_ID.test(id)) throw new TenureError({ tag: "route-not-found" });
        const own = `${userId}#${id}`;
        const [redis, stored, checked] = await Promise.all([
          race.key.isThere(own),
          race.item.isStored(own),
          race.item.isLive(own),
        ]);
        return c.json({ at: redis.now, redis: redis.there, stored, checked } satisfies RaceReading);
      },
    );
}
