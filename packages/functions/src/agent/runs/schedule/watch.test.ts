import { afterEach, expect, it, vi } from "vitest";
import { Watch } from "./watch.ts";

afterEach(() => void vi.useRealTimers());

it("sweeps at once and after each sweep, also one that failed, until it is stopped", async () => {
  vi.useFakeTimers();
  let swept = 0;
  const watch = new Watch(async () => {
    swept += 1;
    throw new Error("a store that is away");
  });
  watch.start(1000);
  expect(swept).toBe(1);
  await vi.advanceTimersByTimeAsync(2500);
  expect(swept).toBe(3);
  await watch.stop();
  await vi.advanceTimersByTimeAsync(5000);
  expect(swept).toBe(3);
});

it("is stopped once the sweep under way has ended, which no other follows", async () => {
  vi.useFakeTimers();
  let [swept, isStopped] = [0, false];
  let finish = () => {};
  const watch = new Watch(() => {
    swept += 1;
    return new Promise((resolve) => {
      finish = resolve;
    });
  });
  watch.start(10);
  const stopping = watch.stop().then(() => {
    isStopped = true;
  });
  await vi.advanceTimersByTimeAsync(1000);
  expect(isStopped).toBe(false);
  finish();
  await stopping;
  await vi.advanceTimersByTimeAsync(1000);
  expect(swept).toBe(1);
});
