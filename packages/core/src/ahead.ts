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
    // Its failure is thrown when its turn comes, unless an earlier one has ended this.
    mapped.catch(() => {});
    underWay.push(mapped);
    if (underWay.length >= atOnce) yield await (underWay.shift() as Promise<R>);
  }
  for (const mapped of underWay) yield await mapped;
}
