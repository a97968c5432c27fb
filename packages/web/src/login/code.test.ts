import { describe, expect, it } from "vitest";
import { codeIn } from "./code.ts";

describe("a code", () => {
  it("is found in a message, whatever other numbers are in it", () => {
    for (const text of [
      "Your code is 123456",
      "Your Tenure code is 123456. It works for 10 minutes.",
      "Code: 123 456 (10 minutes left, until 10:45)",
      "123456 is your code",
      "Call 0800 1234567 or type 123-456",
      "Ihr Code lautet １２３４５６。",
      "رمزك هو ١٢٣٤٥٦.",
    ])
      expect(codeIn(text), text).toBe("123456");
  });

  it("is read as people type it", () => {
    for (const text of [
      "123456",
      " 123 456\n",
      "123-456",
      "12 34 56",
      "１２３４５６",
      "123\u00a0456",
      "\u200e123456",
      "123–456",
      "١٢٣٤٥٦",
      "۱۲۳ ۴۵۶",
      "१२३४५६",
      "𝟏𝟐𝟑𝟒𝟓𝟔",
    ])
      expect(codeIn(text), text).toBe("123456");
    expect(["1", "12a", "１２３", "", "abc"].map(codeIn)).toEqual(["1", "12", "123", "", ""]);
    expect(codeIn("1234567")).toBe("123456");
  });
});
