/** Times and lengths of time as people say them. */
const unit = (value: number, name: string) => `${value} ${name}${value === 1 ? "" : "s"}`;

/** Of milliseconds: "9 seconds", "4 minutes", "11 hours". Rounded down, so that it never promises too much. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return unit(seconds, "second");
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? unit(minutes, "minute") : unit(Math.floor(minutes / 60), "hour");
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
