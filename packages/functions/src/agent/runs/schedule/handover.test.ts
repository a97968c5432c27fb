import { expect, it } from "vitest";
import { Handover } from "./handover.ts";

function handover({ hasQueue = true, takes = true } = {}) {
  const told: unknown[][] = [];
  const refuse = () => {
    if (!takes) throw new Error("nobody took it");
  };
  const queue = {
    async send(...sent: unknown[]) {
      refuse();
      told.push(["send", ...sent]);
    },
    async sendFound(...sent: unknown[]) {
      refuse();
      told.push(["sendFound", ...sent]);
    },
  };
  const kick = async (...kicked: unknown[]) => void told.push(["kick", ...kicked]);
  const report = (line: string) => void told.push(["report", JSON.parse(line).event]);
  return { told, over: new Handover({ deps: { report }, queue: hasQueue ? queue : undefined, kick }) };
}

it("leaves threads to the queue where there is one, and begins them here where there is none", async () => {
  for (const [hasQueue, expected] of [
    [
      true,
      [
        ["send", "t"],
        ["sendFound", "t", "sweep-1"],
        ["send", "t"],
      ],
    ],
    [
      false,
      [
        ["kick", "t", "ada"],
        ["kick", "t", "ada"],
      ],
    ],
  ] as const) {
    const { told, over } = handover({ hasQueue });
    await over.thread("t", "ada");
    await over.found("t", "ada", "sweep-1");
    await over.once("t");
    expect(told).toEqual(expected);
  }
});

it("tells the queue of a thread once, until it forgets", async () => {
  const { told, over } = handover();
  await Promise.all([over.once("a"), over.once("a"), over.once("b")]);
  expect(told).toEqual([
    ["send", "a"],
    ["send", "b"],
  ]);
  over.forget();
  await over.once("a");
  expect(told).toHaveLength(3);
});

it("reports a queue that takes nothing, and does not fail", async () => {
  const { told, over } = handover({ takes: false });
  await over.thread("t");
  await over.found("t", undefined, "sweep-1");
  expect(told).toEqual([
    ["report", "run-not-queued"],
    ["report", "run-not-queued"],
  ]);
});
