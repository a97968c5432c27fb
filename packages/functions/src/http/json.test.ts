import { AIMessage } from "@langchain/core/messages";
import { describe, expect, it } from "vitest";
import { errorJson, stringify } from "./json.ts";

const circle: Record<string, unknown> = { a: { b: [] } };
(circle.a as { b: unknown[] }).b.push({ again: circle });
const deep = (levels: number): unknown => {
  let value: unknown = "end";
  for (let n = 0; n < levels; n++) value = { in: value };
  return value;
};

describe("stringify", () => {
  it.each<[unknown, string]>([
    [{ a: [1, null, undefined], b: undefined, c: () => 1 }, '{"a":[1,null,null]}'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [JSON.parse('{"__proto__":{"a":1}}'), '{"__proto__":{"a":1}}'],
    [{ toJSON: () => ({ toJSON: "no function" }) }, '{"toJSON":"no function"}'],
    [[circle.a, circle.a].map(() => 1), "[1,1]"],
  ])("writes %s", (value, text) => {
    expect(stringify(value)).toBe(text);
  });

  it("writes a message flat", () => {
    expect(JSON.parse(stringify([new AIMessage("hello")]))).toMatchObject([{ type: "ai", content: "hello" }]);
  });

  it("writes what gives itself as its JSON", () => {
    const value = {
      n: 1,
      toJSON() {
        return this;
      },
    };
    expect(stringify(value)).toBe('{"n":1}');
  });

  it.each<[string, unknown, string]>([
    ["undefined", undefined, "it is undefined"],
    ["a function", () => 1, "it is a function"],
    ["a symbol", Symbol("s"), "it is a symbol"],
    ["a BigInt", 1n, "it is a BigInt"],
    ["a BigInt within", { cost: [{ wei: 1n }] }, ".cost[0].wei is a BigInt"],
    ["a circle", circle, ".a.b[0].again refers to what it is in"],
    ["what has no end", deep(20_000), "… is nested deeper than 500 levels"],
    [
      "a toJSON that throws",
      {
        a: {
          toJSON() {
            throw Object.create(null);
          },
        },
      },
      ".a cannot be written: What was thrown cannot be shown.",
    ],
    [
      "a getter that throws",
      {
        get a() {
          throw new Error("no");
        },
      },
      ".a cannot be read: no",
    ],
  ])("refuses %s by its path", (_, value, message) => {
    expect(() => stringify(value)).toThrow(message);
  });
});

describe("errorJson", () => {
  it.each<[string, unknown, { error: string; message: string }]>([
    ["an error", new TypeError("no"), { error: "TypeError", message: "no" }],
    ["a text", "no", { error: "Error", message: "no" }],
    ["undefined", undefined, { error: "Error", message: "undefined" }],
    ["a symbol", Symbol("s"), { error: "Error", message: "Symbol(s)" }],
    [
      "an object that has no text",
      Object.create(null),
      { error: "Error", message: "What was thrown cannot be shown." },
    ],
    ["a message that is no text", { message: { a: 1 } }, { error: "Error", message: "[object Object]" }],
    [
      "a proxy that throws whatever it is asked",
      new Proxy(
        {},
        {
          get() {
            throw new Error("no");
          },
        },
      ),
      { error: "Error", message: "What was thrown cannot be shown." },
    ],
    ["a long text", "x".repeat(20_000), { error: "Error", message: "x".repeat(10_000) }],
  ])("shows %s", (_, error, shown) => {
    expect(errorJson(error)).toEqual(shown);
  });
});
