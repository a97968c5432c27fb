import fc from "fast-check";
import { expect, it } from "vitest";
import { commonLength, Starts } from "./starts.ts";

const state = (count: number, last = "") => JSON.stringify({ messages: [...Array(count).fill("x".repeat(99)), last] });

it("takes the start of the last event of the name that is whole", () => {
  const starts = new Starts();
  expect(starts.part("values", 0, state(10))).toEqual({ head: state(10) });
  expect(starts.part("updates", 1, state(10, "other"))).toEqual({ head: state(10, "other") });
  const { start, head } = starts.part("values", 2, state(11));
  expect(start?.of).toBe(0);
  expect((start?.text ?? "") + head).toBe(state(11));
  expect(head.length).toBeLessThan(120);
  expect(starts.part("values", 3, state(12)).start?.of).toBe(0);
});

it("stores an event whole again once those since have needed as much as the last whole one", () => {
  const starts = new Starts();
  let stored = 0;
  const wholes: number[] = [];
  for (let n = 0; n < 200; n++) {
    const { start, head } = starts.part("values", n, state(100 + n));
    stored += head.length;
    if (!start) wholes.push(n);
  }
  expect(wholes.length).toBeGreaterThan(5);
  expect(wholes.length).toBeLessThan(20);
  // A hundred messages more and then two hundred, which would be 200 times what is in a state.
  expect(stored).toBeLessThan(state(200).length * 40);
});

it("has no start where little is alike, and none for short texts", () => {
  const starts = new Starts();
  for (const [n, text] of ["{}", "{}", '{"a":1}', state(10), `[${state(10)}`, `[${state(11)}`.slice(0, 200)].entries())
    expect(starts.part("values", n, text)).toEqual({ head: text });
});

it("never parts a pair of surrogates", () => {
  const text = (end: string) => "x".repeat(4095) + end;
  expect(commonLength(text("\u{1f600}"), text("\u{1f601}"))).toBe(4095);
  expect(commonLength(text("\u{1f600}a"), text("\u{1f600}b"))).toBe(4097);
});

it("gives the length that two texts have in common, whatever they are", () => {
  const part = fc.oneof(fc.string({ unit: "binary", maxLength: 20 }), fc.constant("y".repeat(4096)));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), part, part, (parts, one, other) => {
      const common = parts.join("");
      const [a, b] = [common + one, common + other];
      const length = commonLength(a, b);
      expect(a.slice(0, length)).toBe(b.slice(0, length));
      for (const text of [a, b]) expect(Buffer.from(text.slice(length)).toString()).toBe(text.slice(length));
      if (length < Math.min(a.length, b.length)) expect(a.codePointAt(length)).not.toBe(b.codePointAt(length));
    }),
  );
});
