/** Returns epoch milliseconds by the machine's clock, with fractions. */
export const now = (): number => performance.timeOrigin + performance.now();

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Not a moment before `at`. */
export async function sleepUntil(at: number): Promise<void> {
  for (let left = at - now(); left > 0; left = at - now()) await sleep(Math.max(1, left));
}
