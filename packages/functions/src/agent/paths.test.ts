/** Paths into what a list shows. */
import { isTenureError } from "@tenure/core/errors";
import { describe, expect, it } from "vitest";
import { extracted, picked } from "./paths.ts";

const shown = {
  thread_id: "t",
  metadata: { title: "Six", "a b": 1 },
  values: { messages: [{ content: "What is 6 * 7?" }, { content: "42" }], deep: { deeper: [[1, 2]] }, nothing: null },
};

describe("extracted", () => {
  it.each<[path: string, value: unknown]>([
    ["thread_id", "t"],
    ["metadata.title", "Six"],
    ["metadata.a b", 1],
    ["values.messages[0].content", "What is 6 * 7?"],
    ["values.messages[-1].content", "42"],
    ["values.messages[-3].content", null],
    ["values.messages[9]", null],
    ["values.messages.length", null],
    ["values.deep.deeper[0][1]", 2],
    ["values.nothing.more", null],
    ["values.toString", null],
    ["values.__proto__.x", null],
    ["thread_id.length", null],
    ["absent", null],
  ])("has %s", (path, value) => {
    expect(extracted(shown, { it: path })).toEqual({ it: value });
  });

  it.each(["", ".", "values.", "values..x", "values[x]", "values[1", "[0]", "a".repeat(300)])("refuses %j", (path) => {
    expect(() => extracted(shown, { it: path })).toThrow(/^extract.it: ".*" is not a path like/);
  });

  it("refuses more than ten", () => {
    const paths = Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`p${n}`, "values"]));
    let thrown: unknown;
    try {
      extracted(shown, paths);
    } catch (error) {
      thrown = error;
    }
    expect(isTenureError(thrown, "invalid-input")).toBe(true);
  });
});

describe("picked", () => {
  it.each<[select: string[], wanted: object]>([
    [["thread_id", "absent"], { thread_id: "t" }],
    [["metadata.title"], { metadata: { title: "Six" } }],
    [["values.deep", "values.nothing"], { values: { deep: shown.values.deep, nothing: null } }],
    [["values", "values.deep"], { values: shown.values }],
    [["metadata.__proto__"], { metadata: JSON.parse('{"__proto__":null}') }],
  ])("gives %j", (select, wanted) => {
    const found = picked(shown, select);
    expect(found).toEqual(wanted);
    expect(Object.getPrototypeOf(found.metadata ?? {})).toBe(Object.prototype);
  });
});
