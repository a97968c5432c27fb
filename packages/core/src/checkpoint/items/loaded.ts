/** A checkpoint in memory, and the memory that it takes there. */
import { memoryOf, outOfPool } from "../bytes/memory.ts";
import type { State } from "../piece-table/plan.ts";
import type { Head } from "./head.ts";
import type { CheckpointRef } from "./keys.ts";

/** A checkpoint with all that is stored of it. */
export interface Loaded {
  ref: CheckpointRef;
  head: Head;
  state: State;
  /** Channels that had a value when this process put it, with those whose value it does not bring along. */
  valued?: ReadonlySet<string> | undefined;
}

/** The length in bytes of a checkpoint that is not kept in memory once a child of it is. */
export const LARGE_BYTES = 100_000;

/** Memory that V8 takes for each part of a checkpoint besides its bytes, about: bench/checkpoints/memory.ts measures all of it. */
const CHECKPOINT_BYTES = 1500;
const CHANNEL_BYTES = 300;
const SLICE_BYTES = 100;
const ANCESTOR_BYTES = 250;

const bytesOf = ({ head, state }: Loaded): Buffer[] => [
  head.contents.body.bytes,
  head.metadata.bytes,
  ...head.inline.values(),
  ...(head.original ? [head.original] : []),
  ...(head.keyframe ? [head.keyframe.text] : []),
  ...[...state.channels.values()].map(({ bytes }) => bytes),
];

/** The memory that a checkpoint takes. */
export function sizeOf(loaded: Loaded): number {
  const { channels, ancestors } = loaded.state;
  const slices = [...channels.values()].reduce((sum, one) => sum + one.slices.length, 0);
  const objects = CHANNEL_BYTES * channels.size + SLICE_BYTES * slices + ANCESTOR_BYTES * ancestors.length;
  return CHECKPOINT_BYTES + objects + memoryOf(bytesOf(loaded));
}

/** Gives small bytes memory of their own, before a checkpoint is kept. */
export function compactAll({ head, state }: Loaded): void {
  for (const dumped of [head.contents.body, head.metadata, ...state.channels.values()])
    dumped.bytes = outOfPool(dumped.bytes);
  for (const [name, bytes] of head.inline) head.inline.set(name, outOfPool(bytes));
}
