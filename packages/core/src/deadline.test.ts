import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { withDeadline } from "./deadline.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Work that goes on until its signal says otherwise. */
const endless = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

it("aborts the work when its time is up, and not before", async () => {
  let ended: unknown;
  const running = withDeadline(300, endless).catch((error: unknown) => {
    ended = error;
  });
  await vi.advanceTimersByTimeAsync(299);
  expect(ended).toBe(undefined);
  await vi.advanceTimersByTimeAsync(1);
  await running;
  expect(ended).toMatchObject({ name: "TimeoutError", message: "no answer within 300 ms" });
});

it("gives what the work gives, and leaves no timer behind", async () => {
  expect(await withDeadline(300, async () => "answer")).toBe("answer");
  await expect(withDeadline(300, () => Promise.reject(new Error("its own")))).rejects.toThrow("its own");
  expect(vi.getTimerCount()).toBe(0);
});
