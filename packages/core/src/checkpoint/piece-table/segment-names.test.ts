import { expect, it } from "vitest";
import { SegmentNames } from "./segment-names.ts";
import { type Channel, whole } from "./slices.ts";

const channelOf = (...names: [series: string, ordinal: number][]): Channel => ({
  ...{ type: "json", bytes: Buffer.alloc(0), crc: 0 },
  slices: names.map(([series, ordinal]) => whole({ series, ordinal, size: 1 })),
});

it("gives channels without a segment one series, and no name twice", () => {
  const [one, other] = [channelOf(["a", 3], ["a", 1]), channelOf(["a", 7], ["b", 2])];
  let made = 0;
  const names = new SegmentNames(new Map(Object.entries({ one, other, none: channelOf() })), () => `new ${made++}`);
  expect([names.seriesOf(one), names.seriesOf(other), names.seriesOf(channelOf())]).toEqual(["a", "a", undefined]);
  expect(names.seriesOf(undefined)).toBe(undefined);
  expect(["a", undefined, "a", undefined, "b"].map((series) => names.next(series))).toEqual([
    { series: "a", ordinal: 8 },
    { series: "new 0", ordinal: 0 },
    { series: "a", ordinal: 9 },
    { series: "new 0", ordinal: 1 },
    { series: "b", ordinal: 3 },
  ]);
});
