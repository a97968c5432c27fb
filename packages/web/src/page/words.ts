/** Times and lengths of time as people say them. */
const unit = (value: number, name: string) => `${value} ${name}${value === 1 ? "" : "s"}`;

/** Milliseconds to the nearest unit that a person would say: "9 seconds", "10 minutes", "12 hours". */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return unit(seconds, "second");
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return unit(minutes, "minute");
  const hours = Math.round(minutes / 60);
  return hours < 48 ? unit(hours, "hour") : unit(Math.round(hours / 24), "day");
}

/** A time to wait, never said shorter than it is: to the next second, or to the next minute. */
export function wait(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return seconds < 120 ? unit(seconds, "second") : duration(Math.ceil(seconds / 60) * 60_000);
}

export const clockTime = (at: number): string =>
  new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export const dayAndTime = (at: number): string =>
  new Date(at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });

const happenings: Record<string, string> = {
  login: "Logged in",
  "login-refused": "A wrong code was tried",
  "code-withheld": "A code was asked for too often",
  logout: "Logged out",
  "session-revoked": "Logged out a device",
  "others-revoked": "Logged out the other devices",
  "all-revoked": "Logged out everywhere",
  "step-up-refused": "Was asked to log in again first",
  unreadable: "Something that is stored damaged",
};

export const happening = (kind: string): string => happenings[kind] ?? kind;
