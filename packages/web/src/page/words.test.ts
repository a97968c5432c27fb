import { describe, expect, it } from "vitest";
import { duration, wait } from "./words.ts";

const MINUTE = 60_000;

describe("a length of time", () => {
  it("is said to the nearest unit, so that ten minutes read as ten minutes", () => {
    expect([10 * MINUTE, 10 * MINUTE - 1, 10 * MINUTE - 900].map(duration)).toEqual(Array(3).fill("10 minutes"));
    expect([0, -5, 400].map(duration)).toEqual(Array(3).fill("0 seconds"));
    expect([1000, 119_400, 119_600].map(duration)).toEqual(["1 second", "119 seconds", "2 minutes"]);
    expect([119 * MINUTE, 120 * MINUTE, 719.6 * MINUTE].map(duration)).toEqual(["119 minutes", "2 hours", "12 hours"]);
    expect(duration(30 * 24 * 60 * MINUTE)).toBe("30 days");
  });

  it("is never said shorter than it is where one has to wait", () => {
    expect([1, 1000, 22_100].map(wait)).toEqual(["1 second", "1 second", "23 seconds"]);
    expect([4 * MINUTE, 4 * MINUTE + 1].map(wait)).toEqual(["4 minutes", "5 minutes"]);
  });
});
