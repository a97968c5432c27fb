/** What the page asks of the server's login routes. Only types come from the server's code. */
import type { SessionDescription } from "@tenure/functions/routes/auth";

export interface Challenge {
  challenge: string;
  expiresAt: number;
  resendAt: number;
}

/** What the server refused, with its own words for a person. */
export class ApiError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const requestCode = (email: string) => call<Challenge>("POST", "/auth/code", { email });
export const verifyCode = (challenge: string, code: string) =>
  call<SessionDescription>("POST", "/auth/verify", { challenge, code });
export const logout = () => call<undefined>("POST", "/auth/logout");

/** The session of this browser, or undefined when there is none. */
export async function currentSession(): Promise<SessionDescription | undefined> {
  try {
    return await call<SessionDescription>("GET", "/auth/session");
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return undefined;
    throw error;
  }
}

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`/api${path}`, {
    method,
    ...(body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const answer = response.status === 204 ? undefined : await response.json();
  if (response.ok) return answer as T;
  throw new ApiError(response.status, (answer as { detail?: string }).detail ?? response.statusText);
}
