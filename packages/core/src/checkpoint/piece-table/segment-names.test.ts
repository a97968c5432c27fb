import { expect, it } from "vitest";
import { SegmentNames } from "./segment-names.ts";
import { type Channel, whole } from "./slices.ts";

const channelOf = (...names: [series: string, ordinal: number][]): Channel => ({
  ...{ type: "json", bytes: Buffer.alloc(0), crc: 0 },
  slices: names.map(([series, ordinal]) => whole({ series, ordinal, size: 1 })),
});
const segmentsOf = (...names: [series: string, ordinal: number][]) =>
  names.map(([series, ordinal]) => ({ series, ordinal, size: 1 }));

it("gives channels without a segment one series, and no name twice", () => {
  const [one, other] = [channelOf(["a", 3], ["a", 1]), channelOf(["a", 7], ["b", 2])];
  let made = 0;
  const names = new SegmentNames([one, other, channelOf()], undefined, () => `new ${made++}`);
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

it("gives no name again that a checkpoint before had, and leaves a series that a fork has", () => {
  let made = 0;
  const newSeries = () => `new ${made++}`;
  const first = new SegmentNames([], undefined, newSeries);
  first.next(undefined);
  first.next(undefined);
  // Nothing refers to the second segment any more.
  const used = first.usedBy([channelOf(["new 0", 0])], segmentsOf(["new 0", 0], ["new 0", 1]));
  const second = new SegmentNames([channelOf(["new 0", 0])], used, newSeries);
  expect(second.next(undefined)).toEqual({ series: "new 0", ordinal: 2 });
  expect(second.next("new 0")).toEqual({ series: "new 0", ordinal: 3 });
  const moved = second.usedBy([channelOf(["new 0", 0], ["elsewhere", 4])], segmentsOf(["elsewhere", 4]));
  expect(moved).toEqual({
    ends: new Map([
      ["new 0", 4],
      ["elsewhere", 5],
    ]),
    shared: "elsewhere",
  });
  // A series that is neither referred to nor shared is of no use.
  expect(new SegmentNames([], moved, newSeries).usedBy([], []).ends).toEqual(new Map([["elsewhere", 5]]));
});

it("shares no series that is another graph's, to whose bytes a channel refers", () => {
  const names = new SegmentNames([], undefined, () => "own");
  const own = names.next(undefined);
  const channels = [channelOf([own.series, own.ordinal]), channelOf(["of the graph around", 3])];
  expect(names.usedBy(channels, [{ ...own, size: 1 }]).shared).toBe("own");
});
