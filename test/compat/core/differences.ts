const HURRIED = "cancels after 50 ms and wants its node to have begun by then: here it waits for requests first";

/** Tests of LangGraph that pass with MemorySaver only, and why: `test` is how a test's name ends, `file` what is in its path. */
export const differences: { test?: string; file?: string; reason: string }[] = [
  {
    test: "verifies that a run's configurable fields are merged with checkpoint config",
    reason: "reads MemorySaver's own field `storage` after each put",
  },
  {
    file: "pregel.cancellation",
    reason:
      "gives a graph 10 ms to begin, of which saver.ts makes 200: which of its tests need more changes with the machine's load",
  },
  {
    test: "resume multiple interrupts",
    reason:
      "wants the tasks of a superstep to end in the order in which they began: here they wait for requests of their own",
  },
  ...["invoke", "streaming", "streamEvents"].map((how) => ({
    test: `should not cancel checkpoint put operation when ${how} is cancelled`,
    reason: HURRIED,
  })),
];
