/** Between LangGraph's values and bytes, by its serializer. */
import type { Checkpoint, CheckpointMetadata, SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { TenureError } from "../errors.ts";
import { view } from "./codec.ts";
import type { Dumped, Head } from "./head.ts";
import type { State } from "./plan.ts";

/** All values of one checkpoint, serialized. */
const MAX_CHECKPOINT_BYTES = 16 * 1024 * 1024;

export class Values {
  private readonly serde: SerializerProtocol;

  constructor(serde: SerializerProtocol) {
    this.serde = serde;
  }

  async dump(value: unknown): Promise<Dumped> {
    const [type, bytes] = await this.serde.dumpsTyped(value);
    return { type, bytes: view(bytes) };
  }

  /** The checkpoint without its id and its values, which are kept apart. */
  dumpBody({ id: _, channel_values: __, ...body }: Checkpoint): Promise<Dumped> {
    return this.dump(body);
  }

  /** Channel by channel. Throws `invalid-input` when they are too large together, naming the largest. */
  async dumpChannels({ id, channel_values }: Checkpoint): Promise<Map<string, Dumped>> {
    const dumped = Object.entries(channel_values).map(async ([name, value]) => [name, await this.dump(value)] as const);
    const values = new Map(await Promise.all(dumped));
    const total = [...values.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (total <= MAX_CHECKPOINT_BYTES) return values;
    const [largest] = [...values].sort(([, a], [, b]) => b.bytes.length - a.bytes.length);
    const issue =
      `checkpoint ${id} has ${total} bytes, more than the ${MAX_CHECKPOINT_BYTES} that a checkpoint may have: ` +
      `channel ${largest?.[0]} alone has ${largest?.[1].bytes.length}. Keep large values elsewhere, and their names here`;
    throw new TenureError({ tag: "invalid-input", issues: [issue] });
  }

  /** The value of one channel; undefined when it has none. */
  async channel(state: State, name: string): Promise<unknown> {
    const channel = state.channels.get(name);
    if (!channel) return undefined;
    // A copy: what a graph does with a value must not reach what is kept for comparison.
    const bytes = channel.type === "bytes" ? Uint8Array.from(channel.bytes) : channel.bytes;
    return this.serde.loadsTyped(channel.type, bytes);
  }

  async checkpoint(id: string, head: Head, state: State): Promise<Checkpoint> {
    const names = [...state.channels.keys()];
    const channels = names.map(async (name) => [name, await this.channel(state, name)] as const);
    const [body, values] = await Promise.all([this.body(head), Promise.all(channels)]);
    return { ...body, id, channel_values: Object.fromEntries(values) };
  }

  body({ body }: Head): Promise<Omit<Checkpoint, "id" | "channel_values">> {
    return this.serde.loadsTyped(body.type, body.bytes);
  }

  /** The metadata, in which the thread that it names, if any, is another one. What the serializer cannot read stays as it is. */
  async renamed(head: Pick<Head, "metadata">, threadId: string): Promise<Dumped> {
    const { type, bytes } = head.metadata;
    const metadata: unknown = await Promise.resolve(this.serde.loadsTyped(type, bytes)).catch(() => undefined);
    const names = typeof metadata === "object" && metadata !== null && "thread_id" in metadata;
    return names ? this.dump({ ...metadata, thread_id: threadId }) : head.metadata;
  }

  metadata({ metadata }: Head): Promise<CheckpointMetadata> {
    return this.serde.loadsTyped(metadata.type, metadata.bytes);
  }
}
