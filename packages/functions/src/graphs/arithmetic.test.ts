import { expect, it } from "vitest";
import { calculate } from "./arithmetic.ts";

it.each([
  ["6 * 7", "42"],
  ["2 + 3 * 4", "14"],
  ["(2 + 3) * 4", "20"],
  ["10 / 4 - 1", "1.5"],
  ["-(3 - 5)", "2"],
  ["0.1 + 0.2", "0.3"],
  ["8 / 2 / 2", "2"],
  ["1 / 0", "That has no value."],
  ["2 +", "I cannot work that out: there is no number at the end."],
  ["(1", "I cannot work that out: a parenthesis is not closed."],
  ["1 2", "I cannot work that out: 2 does not belong there."],
  ["process.exit()", "I cannot work that out: there is no number at p."],
  ["(".repeat(100_000), "I cannot work that out: Maximum call stack size exceeded."],
])("%s", (expression, answer) => expect(calculate(expression)).toBe(answer));
