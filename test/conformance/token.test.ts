import { keyedHandle, newToken, parseToken } from "@tenure/core/token";
import { describe, expect, it } from "vitest";

describe("a token", () => {
  it("has one shape, and any other is known without asking a store", () => {
    const { token, ref } = newToken(keyedHandle("pepper", "user", "user_ada"));
    expect(parseToken(token)).toEqual(ref);
    const [handle = "", secret = ""] = token.split(".");
    const misshapen = [
      "",
      ".",
      handle,
      `${handle}.`,
      `.${secret}`,
      `${token}x`,
      ` ${token}`,
      `${token}\n`,
      `${handle}.${secret}.x`,
    ];
    for (const text of [...misshapen, token.replace(".", ":"), `${handle}.${"é".repeat(43)}`, "__proto__"])
      expect([text, parseToken(text)]).toEqual([text, undefined]);
  });
});
