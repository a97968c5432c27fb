import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const HOUR = 3_600_000;

describe("the server's clock", () => {
  beforeEach(() => {
    vi.resetModules();
    vi.useFakeTimers({ toFake: ["Date", "performance"], now: 10 * HOUR });
  });
  afterEach(() => vi.useRealTimers());

  /** An answer of a server that is five hours ahead, after a trip of so many milliseconds. */
  async function answered(trip: number, server = 15 * HOUR) {
    const { learnClock, serverNow } = await import("./clock.ts");
    const sentAt = performance.now();
    vi.advanceTimersByTime(trip);
    learnClock(server + performance.now() - trip / 2, sentAt);
    return serverNow() - server - performance.now();
  }

  it("is right whatever this machine's clock says, by the answer that took least", async () => {
    expect(await answered(40)).toBe(0);
    const { serverNow } = await import("./clock.ts");
    const before = serverNow();
    // A slow answer, of which nobody knows when the server gave it.
    expect(await answered(900, 15 * HOUR + 300)).toBe(-300);
    expect(serverNow()).toBe(before + 900);
  });

  it("is right again after this machine's clock was set, also on a network that has become slow", async () => {
    await answered(40);
    vi.setSystemTime(Date.now() + 5 * HOUR);
    expect(Math.abs(await answered(400))).toBeLessThan(400);
  });
});
