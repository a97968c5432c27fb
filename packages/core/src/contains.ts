/**
 * True when `whole` contains `part`, as Postgres' `@>` says it for JSON: an object has all fields of `part`, a list has each member of
 * `part` somewhere, in any order and however often, and anything else is the same.
 *
 * @example
 * contains({ tags: ["a", "b"], by: { name: "Ada", age: 36 } }, { tags: ["b"], by: { name: "Ada" } }); // true
 */
export function contains(whole: unknown, part: unknown): boolean {
  if (typeof part !== "object" || part === null) return whole === part;
  if (typeof whole !== "object" || whole === null || Array.isArray(whole) !== Array.isArray(part)) return false;
  if (Array.isArray(part)) return part.every((wanted) => (whole as unknown[]).some((one) => contains(one, wanted)));
  return Object.entries(part).every(
    ([key, value]) => Object.hasOwn(whole, key) && contains((whole as Record<string, unknown>)[key], value),
  );
}
