/** The server's clock, as well as this page knows it: deadlines are the server's, and a laptop's clock may be wrong. */

/** Milliseconds by which the server's clock is ahead of this one, by an answer that took at most twice the shortest time. */
let ahead = 0;
let shortestTrip = Number.POSITIVE_INFINITY;

/** Epoch milliseconds. */
export const serverNow = (): number => Date.now() + ahead;

/** Takes the server's time from an answer to a request that was sent at `sentAt` of `performance.now()`. */
export function learnClock(server: number, sentAt: number): void {
  const trip = performance.now() - sentAt;
  // An answer that took long says little of the time, unless this machine's own clock was set meanwhile.
  if (trip > shortestTrip * 2 && Math.abs(server + trip / 2 - serverNow()) <= trip) return;
  shortestTrip = Math.min(shortestTrip, trip);
  ahead = server + trip / 2 - Date.now();
}

/** Takes the Date of an answer, which is right to the second, until an answer says it better. */
export function learnDate(header: string | null): void {
  const date = Date.parse(header ?? "");
  if (shortestTrip === Number.POSITIVE_INFINITY && date) ahead = date + 500 - Date.now();
}
