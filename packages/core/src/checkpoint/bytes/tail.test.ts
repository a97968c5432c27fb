import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tailOf } from "./tail.ts";

const nestingOf = (value: unknown): number =>
  typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(nestingOf)) : 0;
const json = fc.oneof(
  // As JSON gives it back: -0 is 0.
  fc.jsonValue({ maxDepth: 6 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown),
  fc.array(fc.string({ unit: fc.constantFrom('"', "\\", "[", "}", ",", "é", "🐎") })),
);

describe("tailOf", () => {
  it("takes a whole text when nothing of it is kept", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(tailOf(Buffer.from(JSON.stringify(value)), 0)).toEqual({ from: 0, nesting: nestingOf(value) });
      }),
      { seed: 2026 },
    );
  });

  it("takes every element that is not wholly kept, as JSON", () => {
    fc.assert(
      fc.property(fc.array(json), fc.array(json), fc.nat(), (before, more, cut) => {
        const after = [...before.slice(0, cut % (before.length + 1)), ...more];
        const [was, is] = [Buffer.from(JSON.stringify(before)), Buffer.from(JSON.stringify(after))];
        let kept = 0;
        while (kept < is.length && was[kept] === is[kept]) kept += 1;
        const { from, nesting } = tailOf(is, kept);
        const tail = JSON.parse(from === 0 ? is.toString() : `[${is.subarray(from)}`) as unknown[];
        const unchanged = after.slice(0, after.length - tail.length);
        expect([...unchanged, ...tail]).toEqual(after);
        expect(unchanged).toEqual(before.slice(0, unchanged.length));
        expect(nesting).toBeGreaterThanOrEqual(nestingOf(tail));
        expect(nesting).toBeLessThanOrEqual(nestingOf(after));
      }),
      { numRuns: 500, seed: 2026 },
    );
  });

  it("reads no more than what is new of an array that grew", () => {
    const before = JSON.stringify(Array.from({ length: 1000 }, (_, i) => ({ i })));
    const after = `${before.slice(0, -1)},{"i":[1000]}]`;
    expect(after.slice(tailOf(Buffer.from(after), before.length - 1).from)).toBe('{"i":999},{"i":[1000]}]');
  });
});
