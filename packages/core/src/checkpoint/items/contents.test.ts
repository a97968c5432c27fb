import { describe, expect, it } from "vitest";
import { MAX_REACH } from "../piece-table/channel-writer.ts";
import type { Extent, HeadChannel } from "../piece-table/extents.ts";
import { type Contents, type Difference, differenceTo, isLong, type Keyframe, resolve, textOf } from "./contents.ts";

/** Contents of a head of this depth: each channel has its value in the head where it was set last. */
function contentsOf(setAt: Record<string, number>, depth: number): Contents {
  const channelOf = ([name, at]: [string, number]): [string, HeadChannel] => {
    const extents: Extent[] = [[1, depth - at, depth - at]];
    return [name, { type: "json", extents, crc: (name.length * 7919 + at) >>> 0 }];
  };
  const versions = JSON.stringify({ v: 4, channel_versions: setAt });
  return {
    body: { type: "json", bytes: Buffer.from(versions) },
    channels: new Map(Object.entries(setAt).map(channelOf)),
  };
}

const wide = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`field ${n}\n`, 0]));
const keyframeOf = (contents: Contents, depth: number): Keyframe => ({
  ...{ checkpointId: "keyframe", depth },
  text: textOf(contents, depth),
});

describe("the contents of a head", () => {
  const first = contentsOf(wide(80), 3);
  const keyframe = keyframeOf(first, 3);
  const later = contentsOf({ ...wide(80), "field 7\n": 9 }, 9);
  const difference = differenceTo(keyframe, later, 9) as Difference;

  it("come back from a difference as they were, which is small", () => {
    expect(isLong(keyframe.text)).toBe(true);
    expect(difference.keyframe).toBe("keyframe");
    expect(difference.deflated.length).toBeLessThan(150);
    const found = resolve(difference, keyframe.text, 9);
    expect(found?.body.bytes.equals(later.body.bytes)).toBe(true);
    expect([...(found?.channels ?? [])]).toEqual([...later.channels]);
  });

  it("come back with names in any order, and with ones that objects give another meaning", () => {
    const odd = new Map([...first.channels, ...contentsOf({ 7: 1, 1: 2 }, 9).channels]);
    for (const name of ["__proto__", "constructor"]) odd.set(name, { type: "json", extents: [], crc: 0 });
    const contents = { ...first, channels: new Map([...odd].reverse()) };
    const made = differenceTo(keyframeOf(contents, 9), contents, 9) as Difference;
    expect([...(resolve(made, textOf(contents, 9), 9)?.channels ?? [])]).toEqual([...contents.channels]);
  });

  it("are whole where they are short, other than the keyframe's, or too far from it", () => {
    const few = contentsOf(wide(3), 9);
    expect(differenceTo(keyframeOf(few, 8), few, 9)).toBe(undefined);
    expect(isLong(textOf(few, 9))).toBe(false);
    const other = contentsOf(Object.fromEntries(Object.keys(wide(80)).map((name, n) => [`${name} ${n * n}`, n])), 9);
    expect(differenceTo(keyframe, other, 9)).toBe(undefined);
    expect(differenceTo(keyframe, contentsOf(wide(80), 3 + MAX_REACH), 3 + MAX_REACH)).toBeDefined();
    expect(differenceTo(keyframe, contentsOf(wide(80), 4 + MAX_REACH), 4 + MAX_REACH)).toBe(undefined);
    expect(differenceTo(keyframe, contentsOf(wide(2000), 9), 9)).toBe(undefined);
  });

  it.each<[string, Difference, Buffer]>([
    ["another keyframe's text", difference, textOf(contentsOf({ ...wide(80), "field 70\n": 2 }, 3), 3)],
    ["no text", difference, Buffer.alloc(0)],
    ["a difference that is cut off", { ...difference, deflated: difference.deflated.subarray(0, -4) }, keyframe.text],
    ["bytes that are no deflate", { ...difference, deflated: Buffer.from("rubbish") }, keyframe.text],
    ["another checksum", { ...difference, crc: difference.crc ^ 1 }, keyframe.text],
  ])("do not come back from %s", (_what, made, text) => {
    expect(resolve(made, text, 9)).toBe(undefined);
  });
});
