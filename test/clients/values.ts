/** Values that ask for something, by the options of a client that several methods have. */

/** Things that calls are about. */
export interface Things {
  thread: string;
  run: string;
  checkpoint: string;
  assistant: string;
  /** Makes another one, for calls that change or delete it. */
  newThread(): Promise<string>;
  newRun(): Promise<[thread: string, run: string]>;
  newAssistant(): Promise<string>;
}

export type Values = Record<string, (things: Things) => unknown>;

export const by = (value: unknown) => () => value;
export const checkpointOf = ({ thread, checkpoint }: Things) => ({
  ...{ thread_id: thread, checkpoint_ns: "", checkpoint_id: checkpoint, checkpoint_map: null },
});
export const run: Values = {
  input: by({ said: ["Other?"] }),
  metadata: by({ a: 1 }),
  config: by({ tags: ["a"], recursion_limit: 9, configurable: { a: 1 } }),
  context: by({ a: 1 }),
  checkpointId: ({ checkpoint }) => checkpoint,
  checkpoint: checkpointOf,
  checkpointDuring: by(true),
  durability: by("sync"),
  interruptBefore: by(["say"]),
  interruptAfter: by("*"),
  multitaskStrategy: by("enqueue"),
  onCompletion: by("complete"),
  webhook: by("https://example.com"),
  onDisconnect: by("continue"),
  afterSeconds: by(0.01),
  ifNotExists: by("create"),
  command: by({ update: { said: ["Told."] } }),
  strictResume: by(true),
  onRunCreated: by(() => {}),
  _langsmithTracer: by({ projectName: "a", exampleId: "b" }),
  streamMode: by(["updates", "custom"]),
  streamSubgraphs: by(true),
  streamNamespaces: by(["a"]),
  streamResumable: by(true),
  streamIdleReconnect: by(false),
  feedbackKeys: by(["a"]),
  raiseError: by(false),
};
export const page: Values = { limit: by(3), offset: by(1) };
export const assistant: Values = {
  graphId: by("saying"),
  config: by({ recursion_limit: 9 }),
  context: by({ a: 1 }),
  metadata: by({ a: 1 }),
  assistantId: () => crypto.randomUUID(),
  ifExists: by("do_nothing"),
  name: by("Ada"),
  description: by("Adds."),
};
export const cron: Values = {
  ...run,
  schedule: by("0 0 * * *"),
  timezone: by("UTC"),
  onRunCompleted: by("keep"),
  enabled: by(false),
  endTime: by("2030-01-01T00:00:00Z"),
};
