/**
 * The piece table by example, without a store: what each kind of change adds, what it refers to, and that the bytes come back. A
 * history of one channel is planned checkpoint by checkpoint; heads and segments are kept in maps.
 */
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_REACH } from "./channel-writer.ts";
import { compare } from "./diff.ts";
import { type Extent, reachOf, toExtents, toSlices } from "./extents.ts";
import { headChannels, plan, type State } from "./plan.ts";
import { cut, isInline, join, type StoredSegment } from "./slices.ts";

const CHANNEL = "messages";

/** One checkpoint: its state, to be the parent of others, and what storing it took. */
interface Step {
  state: State;
  extents: Extent[];
  /** New bytes in its head, and in segments. */
  inline: number;
  stored: number;
}

interface Head {
  parent: Head | undefined;
  depth: number;
  inline: Buffer;
}

/** Plans values one on the other, and reads each back from extents alone, as a saver does. */
class History {
  private readonly segments = new Map<string, Buffer>();
  private readonly headOf = new Map<State, Head>();
  private series = 0;

  put(text: string | Buffer, parent?: Step): Step {
    const bytes = Buffer.from(text);
    const value = { type: "json", bytes };
    const planned = plan(parent?.state, new Map([[CHANNEL, value]]), () => `s${this.series++}`);
    for (const { segment, bytes } of planned.segments) this.segments.set(`${segment.series}#${segment.ordinal}`, bytes);
    const depth = parent ? parent.state.depth + 1 : 0;
    const channels = headChannels(planned, depth, parent?.state);
    const { extents, crc } = channels.get(CHANNEL) ?? { extents: [], crc: 0 };
    const inline = planned.inline.get(CHANNEL) ?? Buffer.alloc(0);
    const head: Head = { parent: parent && this.headOf.get(parent.state), depth, inline };
    const ancestors = [
      ...(parent?.state.ancestors ?? []),
      { depth, inline: new Map(inline.length > 0 ? [[CHANNEL, inline.length]] : []) },
    ].slice(-MAX_REACH - 1);
    const state: State = { depth, ancestors, channels: planned.channels };
    this.headOf.set(state, head);
    expect(crc).toBe(crc32(bytes));
    const step = {
      state,
      extents,
      inline: inline.length,
      stored: planned.segments.reduce((sum, { bytes }) => sum + bytes.length, 0),
    };
    expect(this.read(step).equals(bytes)).toBe(true);
    return step;
  }

  /** The bytes, from the extents, the heads on the way to the root, and the stored segments. */
  private read({ state, extents }: Step): Buffer {
    const at = (depth: number) => {
      let head = this.headOf.get(state);
      while (head && head.depth > depth) head = head.parent;
      return head?.inline ?? Buffer.alloc(0);
    };
    const bytesOf = (series: string, ordinal: number) => this.segments.get(`${series}#${ordinal}`) as Buffer;
    const stored = (series: string, ordinal: number): StoredSegment => ({
      ...{ series, ordinal },
      size: bytesOf(series, ordinal).length,
    });
    const slices = toSlices(extents, state.depth, (depth) => at(depth).length, stored);
    return Buffer.concat(
      slices.map(({ segment, from, to }) =>
        (isInline(segment)
          ? at(segment.depth)
          : bytesOf((segment as StoredSegment).series, (segment as StoredSegment).ordinal)
        ).subarray(from, to),
      ),
    );
  }
}

/** Text in which no part is like another, so that nothing is found by chance. */
function noise(length: number, seed = 1): string {
  let state = seed;
  let text = "";
  while (text.length < length) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    text += state.toString(36);
  }
  return text.slice(0, length);
}

describe("a value in a piece table", () => {
  it("that is appended to adds the new bytes alone, and refers to those that are there", () => {
    const history = new History();
    const first = history.put(noise(1000));
    const second = history.put(`${noise(1000)}, and 15 more`, first);
    expect([first.inline, second.inline, second.stored]).toEqual([1000, 13, 0]);
    // One extent: the whole inline segments from one head back to this one.
    expect(second.extents).toEqual([[1, 1, 0]]);
  });

  it("that stays as it is adds nothing", () => {
    const history = new History();
    const first = history.put(noise(1000));
    const second = history.put(noise(1000), first);
    expect([second.inline, second.stored, second.extents]).toEqual([0, 0, [[1, 1, 1]]]);
  });

  it("that is trimmed adds nothing, and refers to the part that is left", () => {
    const history = new History();
    const first = history.put(noise(1000));
    const second = history.put(noise(1000).slice(0, 600), first);
    expect([second.inline, second.extents]).toEqual([0, [[2, 1, 0, 600]]]);
  });

  it("that is a window adds what comes in, and leaves what goes out", () => {
    const history = new History();
    const text = noise(2000);
    const first = history.put(text.slice(0, 1500));
    const second = history.put(text.slice(500), first);
    expect([second.inline, second.extents]).toEqual([
      500,
      [
        [2, 1, 500, 1500],
        [1, 0, 0],
      ],
    ]);
  });

  it("that is edited in the middle adds the edit, and refers to both sides", () => {
    const history = new History();
    const text = noise(3000);
    const first = history.put(text);
    const second = history.put(`${text.slice(0, 1000)}[EDITED]${text.slice(1010)}`, first);
    expect([second.inline, second.extents]).toEqual([
      8,
      [
        [2, 1, 0, 1000],
        [1, 0, 0],
        [2, 1, 1010, 3000],
      ],
    ]);
  });

  it("that is moved is found where it was", () => {
    const history = new History();
    const [a, b] = [noise(2000, 1), noise(1000, 2)];
    const first = history.put(a + b);
    const second = history.put(b + a, first);
    expect(second.inline + second.stored).toBeLessThan(1100);
  });

  it("that is forked has two children, and neither has anything of the other", () => {
    const history = new History();
    const first = history.put(noise(1000));
    const left = history.put(`${noise(1000)} left`, first);
    const right = history.put(`${noise(1000)} and right`, first);
    expect([left.inline, right.inline]).toEqual([5, 10]);
    // Both are read once more, each along its own parents.
    expect([
      history.put(`${noise(1000)} left!`, left).inline,
      history.put(`${noise(1000)} and right!`, right).inline,
    ]).toEqual([1, 1]);
  });

  it("is in one stored segment when it is long, and reaches no further back than a read is to go", () => {
    const history = new History();
    const long = history.put(noise(20_000));
    expect([long.inline, long.stored, long.extents]).toEqual([0, 20_000, [[3, "s0", 0, 0]]]);
    let text = noise(500, 3);
    let step = history.put(text);
    for (let n = 0; n < 3 * MAX_REACH; n++) {
      text += noise(100, n + 10);
      step = history.put(text, step);
      expect(reachOf(step.extents)).toBeLessThanOrEqual(MAX_REACH);
    }
    expect(step.extents.length).toBeLessThan(5);
  });

  it("that is edited all over merges neighbours, so that its extents stay few", () => {
    const history = new History();
    let text = noise(40_000);
    let step = history.put(text);
    for (let n = 0; n < 300; n++) {
      const at = (n * 7919) % (text.length - 400);
      text = `${text.slice(0, at)}<${n}>${text.slice(at + 3)}`;
      step = history.put(text, step);
      expect(step.extents.length).toBeLessThanOrEqual(100);
    }
  });

  it("comes back byte by byte, whatever is done to it", () => {
    const edit = fc.record({
      what: fc.constantFrom("append", "prepend", "cut", "replace", "fork", "repeat"),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.integer({ min: 0, max: 6000 }),
    });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 50 }), (edits) => {
        const history = new History();
        const steps = [{ text: noise(300), step: history.put(noise(300)) }];
        for (const [n, { what, at, length }] of edits.entries()) {
          const base = what === "fork" ? steps[Math.floor(at * (steps.length - 1))] : steps.at(-1);
          const { text, step } = base as (typeof steps)[number];
          const from = Math.floor(at * text.length);
          const fresh = noise(length, n + 2);
          const next = {
            append: () => text + fresh,
            prepend: () => fresh + text,
            cut: () => text.slice(0, from) + text.slice(from + length),
            replace: () => text.slice(0, from) + fresh + text.slice(from + length),
            fork: () => text + fresh,
            repeat: () => text.slice(0, 20_000) + text.slice(from, from + length),
          }[what]();
          steps.push({ text: next, step: history.put(next, step) });
        }
      }),
      { numRuns: 60, seed: 2026 },
    );
  });
});

describe("a comparison", () => {
  it("gives parts that make the new bytes of the old ones and the added", () => {
    const [text, edited] = [noise(5000), `${noise(5000).slice(0, 2000)}NEW${noise(5000).slice(2500)}`];
    expect(compare(Buffer.from(text), Buffer.from(edited))).toEqual([
      { kept: true, from: 0, to: 2000 },
      { kept: false, from: 2000, to: 2003 },
      { kept: true, from: 2500, to: 5000 },
    ]);
  });
});

describe("slices", () => {
  const segment = { depth: 0, size: 10 };
  const other = { series: "s", ordinal: 0, size: 20 };

  it("are cut by the bytes of the value, across segments", () => {
    const slices = [
      { segment, from: 2, to: 10 },
      { segment: other, from: 0, to: 20 },
    ];
    expect(cut(slices, 5, 12)).toEqual([
      { segment, from: 7, to: 10 },
      { segment: other, from: 0, to: 4 },
    ]);
    expect(cut(slices, 0, 0)).toEqual([]);
  });

  it("that continue one another are one when they are joined", () => {
    expect(join([{ segment, from: 0, to: 4 }], [{ segment, from: 4, to: 9 }])).toEqual([{ segment, from: 0, to: 9 }]);
  });

  it("of heads that have nothing in between are one extent", () => {
    const inline = (depth: number) => ({ segment: { depth, size: 5 }, from: 0, to: 5 });
    const sizeAt = (depth: number) => (depth % 2 === 0 ? 5 : 0);
    expect(toExtents([inline(0), inline(2), inline(4)], 4, sizeAt)).toEqual([[1, 4, 0]]);
  });
});
