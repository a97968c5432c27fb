/** The body of a run request, and what it means to a graph. Source: `@langchain/langgraph-sdk` 1.15, `runs.stream`. */

import { Command, Send } from "@langchain/langgraph";
import { invalidInput } from "@tenure/core/errors";
import { z } from "zod";
import { refuseOptions } from "../../http/input.ts";
import { ttlField } from "../threads/lifetime.ts";

export const record = z.record(z.string(), z.unknown());
/** As the clients' types have them. */
export const streamMode = z.enum([
  "values",
  "updates",
  "messages",
  "messages-tuple",
  "custom",
  "checkpoints",
  "tasks",
  "debug",
  "events",
  "tools",
  "lifecycle",
]);
export type StreamMode = z.infer<typeof streamMode>;

const send = z.object({ node: z.string(), input: z.unknown() });
const command = z.object({
  resume: z.unknown().optional(),
  update: z.union([record, z.array(z.tuple([z.string(), z.unknown()]))]).nullish(),
  goto: z.union([z.string(), send, z.array(z.union([z.string(), send]))]).nullish(),
});
export const checkpointRequest = z.object({
  thread_id: z.string().nullish(),
  checkpoint_id: z.string().nullish(),
  checkpoint_ns: z.string().nullish(),
  checkpoint_map: record.nullish(),
});

const nodes = z.union([z.literal("*"), z.array(z.string())]).nullish();
/** The longest delay that a client may ask for: that of a message in SQS. */
const MAX_DELAY_SECONDS = 15 * 60;

/** A record that is kept in one item with others, as JSON. */
const MAX_RECORD_BYTES = 64 * 1024;
export const smallRecord = record.refine((value) => Buffer.byteLength(JSON.stringify(value)) <= MAX_RECORD_BYTES, {
  message: `has more than ${MAX_RECORD_BYTES} bytes as JSON`,
});
/** The most supersteps that a client may ask for. */
const MAX_SUPERSTEPS = 1000;
/** A graph's configuration, wherever a client says it: in a run, or in an assistant. */
export const runConfig = z
  .object({
    tags: z.array(z.string().max(200)).max(100).nullish(),
    recursion_limit: z.number().int().min(1).max(MAX_SUPERSTEPS).nullish(),
    configurable: record.nullish(),
    metadata: record.nullish(),
  })
  .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= MAX_RECORD_BYTES, {
    message: `has more than ${MAX_RECORD_BYTES} bytes as JSON`,
  });

export const runRequest = z.object({
  assistant_id: z.string().max(200),
  input: z.unknown().optional(),
  command: command.nullish(),
  config: runConfig.nullish(),
  context: record.nullish(),
  metadata: smallRecord.nullish(),
  checkpoint: checkpointRequest.nullish(),
  checkpoint_id: z.string().nullish(),
  stream_mode: z.union([streamMode, z.array(streamMode)]).nullish(),
  stream_subgraphs: z.boolean().nullish(),
  stream_resumable: z.boolean().nullish(),
  interrupt_before: nodes,
  interrupt_after: nodes,
  multitask_strategy: z.enum(["reject", "interrupt", "rollback", "enqueue"]).nullish(),
  on_disconnect: z.enum(["cancel", "continue"]).nullish(),
  on_completion: z.enum(["delete", "keep", "complete", "continue"]).nullish(),
  if_not_exists: z.enum(["reject", "create"]).nullish(),
  durability: z.enum(["sync", "async", "exit"]).nullish(),
  /** The former name of `durability`: true for async, false for exit. */
  checkpoint_during: z.boolean().nullish(),
  /** The lifetime of the run's thread, from now on. */
  ttl: ttlField,
  after_seconds: z.number().min(0).max(MAX_DELAY_SECONDS).nullish(),
  webhook: z.unknown().optional(),
  feedback_keys: z.unknown().optional(),
  strict_resume: z.unknown().optional(),
});
export type RunRequest = z.infer<typeof runRequest>;

/** Throws `not-implemented` for an option that is missing; `onThread`: of a run on a thread that is there by itself. */
export const refuseUnsupported = (request: RunRequest, { onThread }: { onThread: boolean }): void => {
  const { webhook, feedback_keys, strict_resume, on_completion, ttl } = request;
  const isKept = onThread || on_completion === "keep" || on_completion === "continue";
  refuseOptions({
    ...{ webhook, feedback_keys, strict_resume },
    "on_completion=delete of a run on a thread": onThread && on_completion === "delete",
    "ttl of a run whose thread goes with it": isKept ? undefined : ttl,
  });
  refuseModes(streamModes(request));
};

/** Throws `not-implemented` for modes that no run is streamed in here. */
export const refuseModes = (modes: readonly StreamMode[] | undefined): void =>
  refuseOptions({ "stream_mode=lifecycle": modes?.includes("lifecycle") });

/** A checkpoint that a request names in a thread. Throws `invalid-input` where it says that it is another thread's. */
export function checkpointIn<T extends z.infer<typeof checkpointRequest>>(
  threadId: string,
  checkpoint: T | null | undefined,
): T | null | undefined {
  if (checkpoint?.thread_id && checkpoint.thread_id !== threadId)
    throw invalidInput("checkpoint.thread_id: is not the thread of the request");
  return checkpoint;
}

/** Names of a run's options as `createBatch` of the JavaScript client sends them, which leaves them as they are in JavaScript. */
export const inSnakeCase = (options: unknown): unknown =>
  typeof options !== "object" || options === null || Array.isArray(options)
    ? options
    : Object.fromEntries(
        Object.entries(options).map(([name, value]) => [
          /^[a-z]/.test(name) ? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : name,
          value,
        ]),
      );

export function streamModes({ stream_mode }: RunRequest): StreamMode[] {
  const modes = stream_mode == null ? [] : [stream_mode].flat();
  return modes.length > 0 ? modes : ["values"];
}

export function graphInput({ command, input }: RunRequest): unknown {
  return command ? graphCommand(command) : (input ?? null);
}

export function graphCommand(asked: z.infer<typeof command>): Command {
  const goto = asked.goto == null ? undefined : [asked.goto].flat();
  return new Command({
    ...(asked.resume !== undefined && { resume: asked.resume }),
    ...(asked.update != null && { update: asked.update as Record<string, unknown> }),
    ...(goto && { goto: goto.map((to) => (typeof to === "string" ? to : new Send(to.node, to.input))) }),
  });
}
