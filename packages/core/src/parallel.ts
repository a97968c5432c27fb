/** Concurrency with a bound. Every promise has a handler from the beginning, so that a failure is thrown once, to the caller. */

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

/**
 * Maps what an async iterable yields, in its order, with up to `atOnce` calls of `map` under way. The first failure is thrown in
 * its place, and ends it.
 *
 * @example
 * for await (const run of ahead(items, 8, toRun)) console.log(run.id);
 */
export async function* ahead<T, R>(
  many: AsyncIterable<T>,
  atOnce: number,
  map: (one: T) => Promise<R>,
): AsyncGenerator<R> {
  const underWay: Promise<R>[] = [];
  for await (const one of many) {
    const mapped = map(one);
    // A failure is thrown when its turn comes, unless an earlier one has ended the iteration.
    mapped.catch(() => {});
    underWay.push(mapped);
    if (underWay.length >= atOnce) yield await (underWay.shift() as Promise<R>);
  }
  for (const mapped of underWay) yield await mapped;
}
