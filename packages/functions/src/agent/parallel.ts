/** Does `work` for each of many, at most `atOnce` at a time. The first failure stops it, and is thrown once all under way has ended. */
export async function forEach<T>(
  many: AsyncIterable<T> | Iterable<T>,
  atOnce: number,
  work: (one: T) => Promise<unknown>,
): Promise<void> {
  const underWay = new Set<Promise<unknown>>();
  let failure: { error: unknown } | undefined;
  for await (const one of many) {
    if (failure) break;
    const doing = work(one)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => underWay.delete(doing));
    underWay.add(doing);
    if (underWay.size >= atOnce) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  if (failure) throw failure.error;
}
