import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAbove, parsePosition, positionOf, type Shift, shiftAbove } from "./order.ts";

const id = fc.oneof(
  fc.uuid(),
  fc.constantFrom("1", "10", "1 ", "1#000000001#1", "1%23", "%", "#", "\u{1f40e}", "\uffff"),
  fc.string({ minLength: 1, maxLength: 3, unit: "binary" }),
);

describe("a position", () => {
  it("is above that of the parent, whatever the ids, and tells what it was made of", () => {
    fc.assert(
      fc.property(fc.array(id, { minLength: 1, maxLength: 20 }), (ids) => {
        let above: string | undefined;
        for (const checkpointId of ids) {
          const shift: Shift | undefined = shiftAbove(checkpointId, above);
          const position = positionOf(checkpointId, shift);
          if (above !== undefined) expect(isAbove(position, above)).toBe(true);
          expect(parsePosition(position)).toEqual({ checkpointId, ...(shift && { shift }) });
          above = position;
        }
      }),
      { seed: 2026 },
    );
  });

  it("is the id where clocks agree, and is below every greater id of its kind", () => {
    fc.assert(
      fc.property(fc.array(fc.uuid({ version: 6 }), { minLength: 3, maxLength: 20 }), (ids) => {
        const sorted = [...new Set(ids)].sort();
        sorted.reduce((before, one) => {
          expect(shiftAbove(one, positionOf(before))).toBeUndefined();
          return one;
        });
        const [greatest = "", ...rest] = sorted.reverse();
        let position = positionOf(rest[0] ?? "");
        for (const one of rest.slice(1)) {
          position = positionOf(one, shiftAbove(one, position));
          expect(isAbove(positionOf(greatest), position)).toBe(true);
        }
      }),
      { seed: 2026 },
    );
  });

  it("counts the steps since the greatest id", () => {
    const first = shiftAbove("6", positionOf("7"));
    const second = shiftAbove("6a", positionOf("6", first));
    expect([first, second, shiftAbove("8", positionOf("6a", second))]).toEqual([
      { base: "7", steps: 1 },
      { base: "7", steps: 2 },
      undefined,
    ]);
  });
});
