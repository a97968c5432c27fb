import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatG } from "./keyspace.ts";

describe("formatG", () => {
  it.each([
    [2 ** 54, 17, "18014398509481984"],
    [-(2 ** 54), 17, "-18014398509481984"],
    [12345678901234.5, 14, "12345678901234"],
    [12345678901235.5, 14, "12345678901236"],
    [1e14 - 0.25, 14, "1e+14"],
    [99999999999999.75, 16, "99999999999999.75"],
    [0.1, 17, "0.10000000000000001"],
    [1e-5, 14, "1e-05"],
    [123456, 3, "1.23e+05"],
    [100, 3, "100"],
    [120.5, 3, "120"],
  ])("prints %d with %d digits as C does: %s", (value, digits, text) => expect(formatG(value, digits)).toBe(text));

  it("prints every number so that it is read again, in the form of %g", () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
    const whole = fc.bigInt({ min: 10n ** 12n, max: 10n ** 19n }).map(Number);
    fc.assert(
      fc.property(fc.oneof(finite, whole), fc.integer({ min: 1, max: 17 }), (value, digits) => {
        const text = formatG(value, digits);
        expect(text).toMatch(/^-?\d+(?:\.\d*[1-9])?(?:e[+-]\d\d+)?$/);
        expect(text.replace(/e.*/, "").replace(/[-.]/g, "").replace(/^0+/, "").length).toBeLessThanOrEqual(digits);
        if (digits === 17) expect(Number(text)).toBe(value === 0 ? 0 : value);
      }),
      { numRuns: 2000 },
    );
  });
});
