import { describe, expect, it } from "vitest";
import { plan, type State } from "./plan.ts";
import { inText, isInText, SMALL_BYTES, smallValues } from "./small-values.ts";

const json = (text: string) => ({ type: "json", bytes: Buffer.from(text) });
const many = (count: number, text = "a value") =>
  new Map(Array.from({ length: count }, (_, n) => [`field ${n}`, json(`"${text} ${n}"`)]));
const ROOM = 16 * 1024;

describe("small values", () => {
  it("are in the contents where there are many", () => {
    expect(smallValues(many(15), ROOM).size).toBe(0);
    expect(smallValues(many(16), ROOM).size).toBe(16);
  });

  it("are none of those that are long, empty, or no text", () => {
    const values = many(20);
    values.set("long", json("x".repeat(SMALL_BYTES)));
    values.set("empty", json(""));
    values.set("bytes", { type: "bytes", bytes: Buffer.from([0xff, 0xfe]) });
    expect(smallValues(values, ROOM)).toEqual(new Set(many(20).keys()));
  });

  it("are not in the contents where these would be too long for a keyframe, whatever their characters take in JSON", () => {
    expect(smallValues(many(200, "x".repeat(100)), ROOM).size).toBe(0);
    expect(smallValues(many(80, "\u0001".repeat(100)), ROOM).size).toBe(0);
    expect(smallValues(many(80, "x".repeat(100)), ROOM).size).toBe(80);
    // Three bytes each.
    expect(smallValues(many(100, "中".repeat(33)), ROOM).size).toBe(0);
    expect(smallValues(many(100, "x".repeat(33)), ROOM).size).toBe(100);
    const named = (name: string) => new Map([...many(100)].map(([, value], n) => [`${name} ${n}`, value]));
    expect(smallValues(named("\u0001".repeat(20)), ROOM).size).toBe(0);
  });

  const stateOf = (depth: number, { channels, inline }: ReturnType<typeof plan>): State => ({
    depth,
    channels,
    ancestors: [{ depth, inline: new Map([...inline].map(([name, { length }]) => [name, length])) }],
  });
  const put = (parent: State | undefined, values: ReturnType<typeof many>, room: number) =>
    plan(parent, values, () => "series", { room });

  it("bring nothing along, and refer to nothing", () => {
    const made = put(undefined, many(20), ROOM);
    expect([made.inline.size, made.segments.length]).toEqual([0, 0]);
    expect(made.channels.get("field 7")?.slices).toEqual(inText(Buffer.from('"a value 7"')));
    const next = put(stateOf(0, made), many(20), ROOM);
    expect([next.inline.size, next.kept.get("field 7")]).toEqual([0, 11]);
  });

  it.each<[string, ReturnType<typeof many>, number]>([
    ["has become long", many(20).set("field 7", json(`"a value 7${"…".repeat(SMALL_BYTES)}"`)), ROOM],
    ["is one of few", new Map([...many(20)].slice(5, 10)), ROOM],
    ["has no room any more", many(20), 0],
  ])("leave no part of one behind that %s", (_what, values, room) => {
    const made = put(stateOf(0, put(undefined, many(20), ROOM)), values, room);
    const value = made.channels.get("field 7");
    expect(isInText(value?.slices ?? [])).toBe(false);
    expect(made.inline.get("field 7")?.equals(values.get("field 7")?.bytes as Buffer)).toBe(true);
  });

  it("come out of heads when they are long, and go back", () => {
    const long = many(20).set("field 7", json(`"${"x".repeat(500)}"`));
    const first = put(undefined, long, ROOM);
    expect(first.inline.get("field 7")?.length).toBe(502);
    const second = put(stateOf(0, first), many(20), ROOM);
    expect([second.inline.size, isInText(second.channels.get("field 7")?.slices ?? [])]).toEqual([0, true]);
  });
});
