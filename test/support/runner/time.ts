/** Timers of this process that a test moves: what waits goes on when the test says so, and not when a machine is slow. */
import { vi } from "vitest";

/**
 * Replaces `setTimeout` and `performance.now` until `release`; sockets, promises and `Date` go on as they are. `advance(ms)`
 * fires what is due within that time and lets its promises run.
 *
 * @example
 * const time = holdTimers();
 * const answer = store.read(key); // waits for at most 300 ms
 * await server.asked;
 * await time.advance(300);
 * await expect(answer).rejects.toMatchObject({ reason: { tag: "store-unavailable" } });
 * time.release();
 */
export function holdTimers(): { advance(ms: number): Promise<void>; release(): void } {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  return {
    advance: async (ms) => void (await vi.advanceTimersByTimeAsync(ms)),
    release: () => void vi.useRealTimers(),
  };
}

/** Resolves to true when a promise is settled, without waiting for it. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol("open");
  return (await Promise.race([promise.catch(() => {}), Promise.resolve(open)])) !== open;
}
