import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { literal, object, string, union } from "zod";
import { changed, either, exactly, fields, optional, text } from "./check.ts";

const login = fields({ email: text({ max: 8 }), name: optional(text({ min: 1 })) });

describe("checks", () => {
  it("name each field that is wrong, and leave out those that nobody asks for", () => {
    expect(login.parse({ email: "a@b.c", more: 1 })).toEqual({ email: "a@b.c" });
    expect(login.safeParse({ email: "much longer", name: "" })).toEqual({
      success: false,
      error: {
        issues: [
          { path: ["email"], message: "has more than 8 characters" },
          { path: ["name"], message: "is empty" },
        ],
      },
    });
    expect(() => login.parse({ name: "Ada" })).toThrow("email: is missing");
    expect(() => login.parse([])).toThrow("is not an object");
  });

  it("take no field of a prototype", () => {
    expect(login.safeParse(Object.create({ email: "a@b.c" })).success).toBe(false);
  });

  it("change what they have taken, or refuse it in words", () => {
    const number = changed(text(), (value) => (/^\d+$/.test(value) ? Number(value) : undefined), "is no number");
    expect(number.parse("12")).toBe(12);
    expect(fields({ n: number }).safeParse({ n: "x" })).toMatchObject({
      error: { issues: [{ path: ["n"], message: "is no number" }] },
    });
  });

  it("take and give what Zod's schemas of the same shape do", () => {
    const ours = fields({
      id: text({ min: 1, max: 4 }),
      note: optional(text()),
      mail: either(fields({ to: text() }), fields({ log: exactly(true) })),
    });
    const zods = object({
      id: string().min(1).max(4),
      note: string().optional(),
      mail: union([object({ to: string() }), object({ log: literal(true) })]),
    });
    const some = fc.oneof(
      fc.string({ maxLength: 6 }),
      fc.constantFrom(undefined, null, 7, true),
      fc.array(fc.string()),
    );
    const value = fc.oneof(
      some,
      fc.record(
        {
          id: some,
          note: some,
          mail: fc.oneof(some, fc.record({ to: some, log: fc.boolean() }, { requiredKeys: [] })),
        },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(value, (one) => {
        const [found, wanted] = [ours.safeParse(one), zods.safeParse(one)];
        expect(found.success).toBe(wanted.success);
        if (found.success) expect(found.data).toEqual(wanted.data);
      }),
      { numRuns: 2000, seed: 2026 },
    );
  });
});
