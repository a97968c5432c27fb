import { expect, it } from "vitest";
import { ahead, forEach } from "./parallel.ts";

/** Yields numbers, each a turn of the loop after the one before. */
async function* numbers(many: number): AsyncGenerator<number> {
  for (let n = 0; n < many; n++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    yield n;
  }
}

it.each([
  ["forEach", (work: (n: number) => Promise<unknown>) => forEach(numbers(20), 10, work)],
  [
    "ahead",
    async (work: (n: number) => Promise<unknown>) => {
      for await (const _ of ahead(numbers(20), 10, work));
    },
  ],
])("%s throws the first failure to its caller, and leaves no rejection to the process", async (_name, run) => {
  // The work fails at once, while the next ones are still awaited, and so do others after it.
  await expect(run((n) => (n >= 2 ? Promise.reject(new Error(`at ${n}`)) : Promise.resolve()))).rejects.toThrow("at 2");
  // The runner fails for a rejection that nobody has handled.
  await new Promise((resolve) => setTimeout(resolve, 10));
});

it("keeps the order, and no more than so many are under way", async () => {
  let [under, most] = [0, 0];
  const found: number[] = [];
  for await (const n of ahead(numbers(30), 4, async (n) => {
    most = Math.max(most, ++under);
    await new Promise((resolve) => setTimeout(resolve, (n % 3) * 2));
    under -= 1;
    return n;
  }))
    found.push(n);
  expect(found).toEqual(Array.from({ length: 30 }, (_, n) => n));
  expect(most).toBeLessThanOrEqual(4);
});
