const HURRIED = "cancels after 50 ms and wants its node to have begun by then: here it waits for requests first";

/** Tests of LangGraph that pass with MemorySaver only, and why: `test` is how a test's name ends. */
export const differences: { test: string; reason: string }[] = [
  {
    test: "verifies that a run's configurable fields are merged with checkpoint config",
    reason: "reads MemorySaver's own field `storage` after each put",
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
