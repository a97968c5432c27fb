/** True when `whole` contains `part`, as Postgres' `@>` defines it, except that lists are compared place by place. */
export function contains(whole: unknown, part: unknown): boolean {
  if (typeof part !== "object" || part === null) return whole === part;
  if (typeof whole !== "object" || whole === null || Array.isArray(whole) !== Array.isArray(part)) return false;
  return Object.entries(part).every(([key, value]) =>
    contains(Object.hasOwn(whole, key) ? (whole as Record<string, unknown>)[key] : undefined, value),
  );
}
