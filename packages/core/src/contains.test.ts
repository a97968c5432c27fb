import { describe, expect, it } from "vitest";
import { contains } from "./contains.ts";

describe("containment is that of Postgres' @>", () => {
  it.each<[whole: unknown, part: unknown, expected: boolean]>([
    [{ a: 1, b: 2 }, { b: 2 }, true],
    [{ a: 1 }, {}, true],
    [{ a: 1 }, { a: null }, false],
    [{ a: null }, { a: null }, true],
    [{ a: { b: [1, 2, 3] } }, { a: { b: [3, 1] } }, true],
    [[1, 2, 3], [3, 1, 1], true],
    [[1, 2, [1, 3]], [[3]], true],
    [[1, 2, [1, 3]], [3], false],
    [[{ a: 1, b: 2 }, { c: 3 }], [{ c: 3 }, { b: 2 }], true],
    [[{ a: 1 }, { b: 2 }], [{ a: 1, b: 2 }], false],
    [{ a: ["x"] }, { a: "x" }, false],
    [{ a: "x" }, { a: ["x"] }, false],
    [{ a: [] }, { a: {} }, false],
    [{ a: [1] }, { a: [] }, true],
    [{}, { toString: undefined }, false],
  ])("%j @> %j is %s", (whole, part, expected) => {
    expect(contains(whole, part)).toBe(expected);
  });
});
