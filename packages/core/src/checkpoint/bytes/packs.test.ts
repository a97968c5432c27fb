import { describe, expect, it } from "vitest";
import { packOf, parsePack, type Write } from "./packs.ts";

const writes: Write[] = [
  [0, "messages", "json", Buffer.from('"two\nlines"'), "run-1"],
  [1, "image", "bytes", Buffer.from([0, 10, 255, 10])],
  [2, "nothing", "json", Buffer.alloc(0)],
];
const plain = (found: Write[]) =>
  found.map(([index, channel, type, bytes, ...run]) => [index, channel, type, [...bytes], ...run]);

describe("a pack", () => {
  it("has its writes behind a line, byte by byte", () => {
    expect(plain(parsePack(packOf(writes), "it"))).toEqual(plain(writes));
  });

  it("of format 1, in base64, is read", () => {
    const line = writes.map(([index, channel, type, bytes, ...run]) => [
      ...[index, channel, type, Buffer.from(bytes).toString("base64")],
      ...run,
    ]);
    expect(plain(parsePack(Buffer.from(JSON.stringify(line)), "it"))).toEqual(plain(writes));
  });

  it.each([
    ["cut off", packOf(writes).subarray(0, -1)],
    ["too long", Buffer.concat([packOf(writes), Buffer.from([0])])],
    ["no pack", Buffer.from("{}")],
    ["empty", Buffer.alloc(0)],
  ])("that is %s is named", (_what, pack) => {
    expect(() => parsePack(pack, "the pack")).toThrow(/the pack/);
  });
});
