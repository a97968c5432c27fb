/** What a session of this API carries: whose it is. Set at login, so that no other store is asked. */
import type { Session, SessionStore } from "@tenure/core/session";
import { z } from "zod";

export const identity = z.object({ userId: z.string(), email: z.string() });
export type Identity = z.infer<typeof identity>;

export type ApiSession = Session<Identity>;
export type ApiSessionStore = SessionStore<Identity>;
