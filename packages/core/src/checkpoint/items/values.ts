/** Converts between LangGraph's values and bytes, by its serializer. */
import type { Checkpoint, CheckpointMetadata } from "@langchain/langgraph-checkpoint";
import { invalidInput } from "../../errors.ts";
import { type CheckedSerde, channelSubject } from "../bytes/checked-serde.ts";
import type { Dumped } from "../bytes/codec.ts";
import { unlessCorrupt } from "../corrupt.ts";
import type { Plan, State } from "../piece-table/plan.ts";
import type { Head, StoredHead } from "./head.ts";
import { type CheckpointRef, whatOf } from "./keys.ts";

/** The most bytes that the values of one checkpoint may have together, serialized. */
const MAX_CHECKPOINT_BYTES = 16 * 1024 * 1024;

export class Values {
  private readonly serde: CheckedSerde;

  constructor(serde: CheckedSerde) {
    this.serde = serde;
  }

  /** Throws `invalid-input` when it would not come back. */
  dumpMetadata(metadata: object): Promise<Dumped> {
    return this.serde.dumpChecked(metadata, { what: "the checkpoint's metadata", root: "metadata" });
  }

  /** The checkpoint without its id and its values, which are kept apart. Throws `invalid-input` when it would not come back. */
  dumpBody({ id: _, channel_values: __, ...body }: Checkpoint): Promise<Dumped> {
    return this.serde.dumpChecked(body, { what: "the checkpoint", root: "checkpoint" });
  }

  /** Throws `invalid-input` when a value would not come back. Bytes that the parent has too are not looked at again. */
  async check({ channel_values }: Checkpoint, { channels, kept }: Plan): Promise<void> {
    for (const [name, dumped] of channels)
      await this.serde.check(dumped, kept.get(name) ?? 0, channel_values[name], channelSubject(name));
  }

  /**
   * Channel by channel, to be checked when the parent is known. Throws `invalid-input` when one cannot be written, naming it,
   * or when they are too large together, naming the largest.
   */
  async dumpChannels({ id, channel_values }: Checkpoint): Promise<Map<string, Dumped>> {
    const dumped = Object.entries(channel_values).map(
      async ([name, value]) => [name, await this.serde.dump(value, channelSubject(name))] as const,
    );
    const values = new Map(await Promise.all(dumped));
    const total = [...values.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (total <= MAX_CHECKPOINT_BYTES) return values;
    const [largest] = [...values].sort(([, a], [, b]) => b.bytes.length - a.bytes.length);
    const issue =
      `checkpoint ${id} has ${total} bytes, more than the ${MAX_CHECKPOINT_BYTES} that a checkpoint may have: ` +
      `channel ${largest?.[0]} alone has ${largest?.[1].bytes.length}. Keep large values elsewhere, and their names here`;
    throw invalidInput(issue);
  }

  /** The value of one channel; undefined when it has none. Throws `store-corrupt` when it cannot be loaded. */
  async channel(ref: CheckpointRef, state: State, name: string): Promise<unknown> {
    const channel = state.channels.get(name);
    if (!channel) return undefined;
    return this.serde.load(channel, () => `${whatOf(ref)}, channel ${name}`);
  }

  /** Throws `store-corrupt` when a part cannot be loaded. */
  async checkpoint(ref: CheckpointRef, head: Head, state: State): Promise<Checkpoint> {
    const names = [...state.channels.keys()];
    const channels = names.map(async (name) => [name, await this.channel(ref, state, name)] as const);
    const [body, values] = await Promise.all([this.body(ref, head), Promise.all(channels)]);
    return { ...body, id: ref.checkpointId, channel_values: Object.fromEntries(values) };
  }

  body(ref: CheckpointRef, { contents: { body } }: Head): Promise<Omit<Checkpoint, "id" | "channel_values">> {
    return this.serde.load(body, () => whatOf(ref));
  }

  /** The metadata, in which the thread that it names, if any, is another one. Metadata that cannot be loaded stay as they are. */
  async renamed(ref: CheckpointRef, head: Pick<StoredHead, "metadata">, threadId: string): Promise<Dumped> {
    const metadata: unknown = await this.metadata(ref, head).catch(unlessCorrupt);
    const names = typeof metadata === "object" && metadata !== null && "thread_id" in metadata;
    return names ? this.dumpMetadata({ ...metadata, thread_id: threadId }) : head.metadata;
  }

  metadata(ref: CheckpointRef, { metadata }: Pick<StoredHead, "metadata">): Promise<CheckpointMetadata> {
    return this.serde.load(metadata, () => `${whatOf(ref)}, its metadata`);
  }
}
