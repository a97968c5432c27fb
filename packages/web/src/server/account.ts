/** Requests on the account and the service. Only types come from the server's code. */
import type { ActivityDescription } from "@tenure/functions/routes/activity";
import type { SessionDescription } from "@tenure/functions/routes/auth";
import type { InfoDescription } from "@tenure/functions/routes/info";
import type { RaceDescription, RaceReading } from "@tenure/functions/routes/race";
import type { DeviceDescription } from "@tenure/functions/routes/sessions";
import { learnClock } from "./clock.ts";
import { failureOf } from "./failure.ts";
import { call } from "./http.ts";

export type { DeviceDescription, InfoDescription, RaceReading, SessionDescription };

/** Instants are epoch milliseconds of the server's clock. */
export interface Challenge {
  challenge: string;
  expiresAt: number;
  resendAt: number;
}

export const requestCode = (email: string) => call<Challenge>("POST", "/auth/code", { email });
export const verifyCode = (challenge: string, code: string) =>
  call<SessionDescription>("POST", "/auth/verify", { challenge, code });
export const devices = async () => (await call<{ sessions: DeviceDescription[] }>("GET", "/auth/sessions")).sessions;
export const logoutDevice = (id: string) => call<undefined>("DELETE", `/auth/sessions/${id}`);
export const logoutOthers = () => call<{ ended: number }>("POST", "/auth/logout-others");
export const logoutAll = () => call<{ ended: number }>("POST", "/auth/logout-all");
export const activity = async () =>
  (await call<{ activity: ActivityDescription[] }>("GET", "/activity?limit=8")).activity;
export const startRace = () => call<RaceDescription>("POST", "/race");
export const readRace = (id: string) => call<RaceReading>("GET", `/race/${id}`);

/** Ends the session of this browser. One that has ended already is as good. */
export async function logout(): Promise<void> {
  try {
    await call("POST", "/auth/logout");
  } catch (error) {
    if (failureOf(error).kind !== "ended") throw error;
  }
}

let info: Promise<InfoDescription> | undefined;

/** Returns what this stage is and has, which is asked once. */
export function serviceInfo(): Promise<InfoDescription> {
  info ??= call<InfoDescription>("GET", "/info").catch((error: unknown) => {
    info = undefined;
    throw error;
  });
  return info;
}

/** The session of this browser, or undefined when there is none. Asking touches it. */
export async function currentSession(): Promise<SessionDescription | undefined> {
  const asked = performance.now();
  try {
    const found = await call<SessionDescription>("GET", "/auth/session");
    learnClock(found.session.readAt, asked);
    return found;
  } catch (error) {
    if (failureOf(error).kind === "ended") return undefined;
    throw error;
  }
}
