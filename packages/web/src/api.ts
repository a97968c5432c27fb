/** The page's requests to the server. Only types come from the server's code. */
import type { ActivityDescription } from "@tenure/functions/routes/activity";
import type { SessionDescription } from "@tenure/functions/routes/auth";
import type { RaceDescription, RaceReading } from "@tenure/functions/routes/race";
import type { DeviceDescription } from "@tenure/functions/routes/sessions";

export type { DeviceDescription, RaceReading, SessionDescription };

export interface Challenge {
  challenge: string;
  expiresAt: number;
  resendAt: number;
}

/** The error of a request that the server refused, or did not answer (status 0), with words for a person. */
export class ApiError extends Error {
  readonly status: number;
  /** The problem's type, an address. */
  readonly type: string;
  constructor(status: number, { detail, type = "" }: { detail?: string | undefined; type?: string | undefined }) {
    super(
      status === 503
        ? "The service is unavailable at the moment. You are still logged in; try again shortly."
        : (detail ?? "Something went wrong."),
    );
    this.status = status;
    this.type = type;
  }

  /** True when a recent login is wanted; the session lives. */
  get wantsLogin(): boolean {
    return this.type.endsWith("/step-up-required");
  }
}

/** Milliseconds by which the server's clock is ahead of this one, by an answer that took at most twice the shortest time. */
let ahead = 0;
let tripOfAhead = Number.POSITIVE_INFINITY;

/** The server's time, as well as it is known. */
export const serverNow = (): number => Date.now() + ahead;

function learnClock(server: number, asked: number): void {
  const trip = performance.now() - asked;
  if (trip > tripOfAhead * 2) return;
  tripOfAhead = Math.min(tripOfAhead, trip);
  ahead = server + trip / 2 - Date.now();
}

let hearExpiry: (at: number) => void = () => {};

/** Calls `listener` whenever an answer says when the session ends, in the server's time. */
export function onExpiry(listener: (at: number) => void): void {
  hearExpiry = listener;
}

/** Every request goes through here, those of LangGraph's client too. */
export const listeningFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, init).catch((error: Error) => {
    // A request that was given up is not the network's fault.
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { detail: "The server cannot be reached. Check your connection and try again." });
  });
  const at = Number(response.headers.get("X-Session-Expires-At"));
  if (at) hearExpiry(at);
  return response;
};

export const requestCode = (email: string) => call<Challenge>("POST", "/auth/code", { email });
export const verifyCode = (challenge: string, code: string) =>
  call<SessionDescription>("POST", "/auth/verify", { challenge, code });
export const logout = () => call<undefined>("POST", "/auth/logout");
export const devices = async () => (await call<{ sessions: DeviceDescription[] }>("GET", "/auth/sessions")).sessions;
export const logoutDevice = (id: string) => call<undefined>("DELETE", `/auth/sessions/${id}`);
export const logoutOthers = () => call<{ ended: number }>("POST", "/auth/logout-others");
export const logoutAll = () => call<{ ended: number }>("POST", "/auth/logout-all");
export const activity = async () =>
  (await call<{ activity: ActivityDescription[] }>("GET", "/activity?limit=8")).activity;
/** True when this deployment offers the race. */
export const hasRace = async () => (await call<{ flags: { race: boolean } }>("GET", "/info")).flags.race;
export const startRace = () => call<RaceDescription>("POST", "/race");
export const readRace = (id: string) => call<RaceReading>("GET", `/race/${id}`);

/** The session of this browser, or undefined when there is none. Asking touches it. */
export async function currentSession(): Promise<SessionDescription | undefined> {
  const asked = performance.now();
  try {
    const found = await call<SessionDescription>("GET", "/auth/session");
    learnClock(found.session.readAt, asked);
    return found;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return undefined;
    throw error;
  }
}

const DEADLINE_MS = 10_000;

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const response = await listeningFetch(`/api${path}`, {
    method,
    ...(body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  // To the second, until an answer says it better.
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (tripOfAhead === Number.POSITIVE_INFINITY && date) ahead = date + 500 - Date.now();
  const answer: unknown = response.status === 204 ? undefined : await response.json().catch(() => ({}));
  if (response.ok) return answer as T;
  throw new ApiError(response.status, answer as { detail?: string | undefined; type?: string | undefined });
}
