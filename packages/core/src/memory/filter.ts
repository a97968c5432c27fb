/** Evaluates a search's filter. Pure. Source: LangGraph's stores, whose operators these are. */

/** True when a value meets a filter: every key by equality, or by `$eq $ne $gt $gte $lt $lte`. */
export function meets(value: Record<string, unknown>, filter: Record<string, unknown>): boolean {
  return Object.entries(filter).every(([key, wanted]) => meetsOne(value[key], wanted));
}

function meetsOne(actual: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null || Array.isArray(wanted)) return equal(actual, wanted);
  const operators = Object.entries(wanted);
  if (operators.length === 0 || !operators.every(([name]) => name.startsWith("$"))) return equal(actual, wanted);
  return operators.every(([name, operand]) => {
    switch (name) {
      case "$eq":
        return equal(actual, operand);
      case "$ne":
        return !equal(actual, operand);
      case "$gt":
        return compare(actual, operand, (order) => order > 0);
      case "$gte":
        return compare(actual, operand, (order) => order >= 0);
      case "$lt":
        return compare(actual, operand, (order) => order < 0);
      case "$lte":
        return compare(actual, operand, (order) => order <= 0);
      default:
        return false;
    }
  });
}

const equal = (a: unknown, b: unknown): boolean => JSON.stringify(canonical(a)) === JSON.stringify(canonical(b));

/** Keys in one order. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value ?? null;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, canonical(one)]),
  );
}

/** Numbers as numbers, text as text; what is not of one kind has no order. */
function compare(a: unknown, b: unknown, holds: (order: number) => boolean): boolean {
  if (typeof a === "number" && typeof b === "number") return holds(a - b);
  if (typeof a === "string" && typeof b === "string") return holds(a < b ? -1 : a > b ? 1 : 0);
  return false;
}

export const OPERATORS = new Set(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]);
