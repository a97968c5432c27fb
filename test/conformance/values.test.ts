/**
 * The values that a checkpoint takes: each is either refused, naming its channel and path, with nothing stored, or a saver with
 * nothing in memory gives back what MemorySaver gives back.
 */
import { ScanCommand } from "@aws-sdk/lib-dynamodb";
import { AIMessage, AIMessageChunk, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { Command, MemorySaver, Send } from "@langchain/langgraph";
import { type CheckpointMetadata, JsonPlusSerializer, type SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { isTenureError } from "@tenure/core/errors";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { sized } from "../support/runner/size.ts";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";

const metadata: CheckpointMetadata = { source: "loop", step: 0, parents: {} };
const first = "1f000000-0000-6000-8000-000000000001";
const second = "1f000000-0000-6000-8000-000000000002";

function checkpointOf(id: string, channel_values: Record<string, unknown>, version = 1) {
  const channel_versions = Object.fromEntries(Object.keys(channel_values).map((name) => [name, version]));
  return { v: 4, id, ts: "", channel_values, channel_versions, versions_seen: {} };
}

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = { in: value };
  return value;
}
const tool = (artifact: unknown) => new ToolMessage({ content: "done", tool_call_id: "c", artifact });
const throwing = {
  toJSON() {
    throw new Error("no JSON of me");
  },
};
const getter = {
  get secret() {
    throw new Error("nobody reads me");
  },
};
function circle(): object {
  const at = { name: "circle" };
  return Object.assign(at, { again: at });
}
function mapOfItself(): Map<string, unknown> {
  const map = new Map<string, unknown>();
  return map.set("again", map);
}
class Point {
  x = 1;
  y?: number;
}
class OwnMessage extends HumanMessage {}

/** By what they are: the value of a channel named `data`, and what the error says. */
const refused: Record<string, [value: () => unknown, says: RegExp]> = {
  "a BigInt": [() => 1n, /^channel data cannot be stored: data is a BigInt/],
  "a BigInt within": [() => [{ "a key": 1n }], /data\[0\]\["a key"\] is a BigInt/],
  "a BigInt in a map": [() => new Map([["wei", 1n]]), /data\.wei is a BigInt/],
  "a BigInt in an artifact": [() => ["first", tool({ wei: 1n })], /data\[1\]\.artifact\.wei is a BigInt/],
  "a toJSON that throws": [() => ({ at: throwing }), /data\.at has a toJSON that throws/],
  "a toJSON that throws in an artifact": [
    () => [tool([throwing])],
    /data\[0\]\.artifact\[0\] has a toJSON that throws/,
  ],
  "a getter that throws": [() => [getter], /data\[0\]\.secret cannot be read/],
  "a proxy that is gone": [() => [revoked()], /data\[0\] /],
  "a function": [() => () => 1, /data is a function/],
  "a class": [() => Point, /data is a function/],
  "a symbol": [() => Symbol("s"), /data is a symbol/],
  "a map in itself": [mapOfItself, /data\.again refers to itself/],
  "a deep artifact": [() => [tool(nested(60))], /data\[0\]\.artifact\.in.* is nested too deep/],
  "a deep content": [() => [new HumanMessage({ content: [nested(70) as never] })], /data\[0\]\.content.*too deep/],
  "what is too deep for JSON": [() => nested(20_000), /data.* is nested too deep/],
  "a message of a class of one's own": [() => [new OwnMessage("mine")], /data\[0\] is a LangChain object/],
  "a LangChain object in an artifact": [
    () => [tool({ prompt: ChatPromptTemplate.fromTemplate("{x}") }), tool({ made: notSerializable() })],
    /data\[1\]\.artifact\.made is /,
  ],
  "data that looks like an object of LangChain's": [
    () => ({ user: { lc: 1, type: "constructor", id: ["elsewhere", "Evil"], kwargs: {} } }),
    /data\.user is not given back/,
  ],
  "the same in a message": [
    () => [
      new HumanMessage({
        content: "",
        additional_kwargs: { raw: { lc: 1, type: "constructor", id: ["x"], kwargs: {} } },
      }),
    ],
    /data\[0\]\.additional_kwargs\.raw is not given back/,
  ],
};

/** Values that MemorySaver gives back, though most often changed. */
const taken: Record<string, () => unknown> = {
  "undefined fields": () => ({ a: undefined, b: [undefined, null], c: new Point() }),
  "numbers that JSON lacks": () => [Number.NaN, Number.POSITIVE_INFINITY, -0, 1e21],
  dates: () => [new Date(0), new Date(Number.NaN)],
  collections: () => ({ map: new Map([[1, new Set(["a"])]]), regexp: /a.b/giu, error: new RangeError("far") }),
  bytes: () => [Uint8Array.of(1, 2, 255), Buffer.from("b"), Float32Array.of(1.5), new ArrayBuffer(2)],
  "functions and symbols within": () => ({ f: () => 1, list: [() => 1, Symbol("s")], [Symbol("key")]: 1 }),
  circles: () => [circle(), tool(circle())],
  "an array with holes": () => Object.assign([], { 3: "three" }),
  "odd texts": () => ["\ud800", "\u0000", "\u2028", "[unable to serialize, circular reference]"],
  "the serializer's own sentence": () => "[unable to serialize, circular reference is too complex to analyze]",
  "odd keys": () => JSON.parse('{"__proto__":{"a":1},"constructor":2,"":3,"\ud800":4}') as unknown,
  "what a toJSON makes of it": () => [
    new URL("https://example.com/a"),
    { toJSON: () => undefined },
    { toJSON: () => [1] },
  ],
  "records of the serializer": () => [
    { lc: 2, type: "undefined" },
    { lc: 2, type: "constructor", id: ["Map"], args: [] },
  ],
  "records of LangChain": () => [
    { lc: 1, type: "not_implemented", id: ["x"] },
    { lc: 1, type: "secret", id: ["KEY"] },
  ],
  messages: () => [
    new HumanMessage({ content: [{ type: "text", text: 'a "lc":1 b' }], id: "h" }),
    new AIMessage({ content: "", tool_calls: [{ name: "t", args: { a: [1] }, id: "c", type: "tool_call" }] }),
    new AIMessage({ content: [{ type: "text", text: "v1" }], response_metadata: { output_version: "v1" } }),
    new AIMessageChunk({ content: "x", tool_call_chunks: [{ name: "t", args: "{}", index: 0, id: "c" }] }),
    tool({ lc: 1, user: "data" }),
    tool([new HumanMessage("of a subagent"), tool(new AIMessage("deeper"))]),
    tool(nested(30)),
  ],
  "orders to the graph": () => [new Send("node", { a: 1 }), new Command({ goto: "x", update: { b: [1] } })],
  "a prompt": () => ChatPromptTemplate.fromTemplate("{question}"),
  "a schema": () => z.object({ name: z.string() }),
  "deep data": () => nested(900),
};

const UNREADABLE = "not to be read";
/** Values that are made anew for each who gets them. */
const leaf: fc.Arbitrary<() => unknown> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .anything({
        withMap: true,
        withSet: true,
        withDate: true,
        withNullPrototype: true,
        withTypedArray: true,
        withBigInt: false,
      })
      .map((one) => () => one),
  },
  { weight: 6, arbitrary: fc.string({ maxLength: 300 }).map((text) => () => new AIMessage(text)) },
  { weight: 2, arbitrary: fc.constantFrom(...Object.values(taken)) },
  { weight: 1, arbitrary: fc.constantFrom(...Object.values(refused).map(([make]) => make)) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom("lc", "type", "id", "kwargs")
      .chain((key) =>
        fc.record(
          {
            lc: fc.constantFrom(1, 2, "1"),
            type: fc.constantFrom("constructor", "secret", "undefined", "not_implemented"),
            id: fc.constantFrom(["x"], ["langchain_core", "messages", "HumanMessage"], ["Map"]),
            kwargs: fc.constantFrom({}, { content: "c" }),
            args: fc.constantFrom([], [[]]),
          },
          { requiredKeys: [key as "lc"] },
        ),
      )
      .map((one) => () => one),
  },
);
const anything: fc.Arbitrary<() => unknown> = fc.oneof(
  { weight: 3, arbitrary: leaf },
  { weight: 1, arbitrary: leaf.map((make) => () => tool({ raw: [make()] })) },
  {
    weight: 1,
    arbitrary: fc.array(leaf, { maxLength: 3 }).map((makes) => () => ({ list: makes.map((make) => make()) })),
  },
);

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** A message class of one's own, as of a chat model. */
function notSerializable(): object {
  return { lc_serializable: false, toJSON: () => ({ lc: 1, type: "not_implemented", id: ["mine", "Model"] }) };
}

describe.each(dynamoEngines)("a value on $name", ({ name, open }) => {
  let table: TestTable;
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());
  const newSaver = (serde?: SerializerProtocol) =>
    new DynamoDBSaver({ client: table.client, tableName: table.tableName, ...(serde && { serde }) });
  let threads = 0;
  const newThread = () => ({ configurable: { thread_id: `value-${threads++}`, checkpoint_ns: "" } });
  const at = (config: ReturnType<typeof newThread>, checkpoint_id: string) => ({
    configurable: { ...config.configurable, checkpoint_id },
  });
  async function itemsOf({ configurable: { thread_id } }: ReturnType<typeof newThread>): Promise<unknown[]> {
    const { Items = [] } = await table.client.send(
      new ScanCommand({
        TableName: table.tableName,
        FilterExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": `checkpoint#${thread_id}` },
      }),
    );
    return Items;
  }
  /** The value that MemorySaver gives back of it, behind another value. */
  async function fromMemory(value: unknown): Promise<unknown> {
    const memory = new MemorySaver();
    const config = await memory.put(newThread(), checkpointOf(first, { data: value, before: "x" }), metadata);
    return (await memory.getTuple(config))?.checkpoint.channel_values.data;
  }
  /** Puts it on another checkpoint, and reads it with another saver. */
  async function throughTable(value: unknown, earlier: unknown = ["before"]): Promise<unknown> {
    const [config, saver] = [newThread(), newSaver()];
    const parent = await saver.put(config, checkpointOf(first, { data: earlier }), metadata, { data: 1 });
    await saver.put(parent, checkpointOf(second, { data: value }, 2), metadata, { data: 2 });
    return (await newSaver().getTuple(config))?.checkpoint.channel_values.data;
  }

  it.each(Object.entries(refused))("is refused when it is %s, and nothing is stored", async (_, [make, says]) => {
    const [config, saver] = [newThread(), newSaver()];
    const parent = await saver.put(config, checkpointOf(first, { data: ["before"] }), metadata, { data: 1 });
    const before = await itemsOf(config);
    const large = { data: make(), text: "x".repeat(20_000) };
    const error = await saver
      .put(parent, checkpointOf(second, large, 2), metadata, { data: 2, text: 2 })
      .catch((e) => e);
    expect(isTenureError(error, "invalid-input") && error.message).toMatch(says);
    const writes = await saver
      .putWrites(
        parent,
        [
          ["text", "x"],
          ["data", make()],
        ],
        "task",
      )
      .catch((e) => e);
    expect(isTenureError(writes, "invalid-input") && writes.message).toMatch(says);
    const about = { ...metadata, data: make() } as CheckpointMetadata;
    const described = await saver.put(parent, checkpointOf(second, {}), about, {}).catch((e) => e);
    if (typeof make() !== "function" && typeof make() !== "symbol")
      expect(isTenureError(described, "invalid-input") && described.message).toMatch(
        /^the checkpoint's metadata cannot/,
      );
    if (isTenureError(described)) expect(await itemsOf(config)).toEqual(before);
    expect((await newSaver().getTuple(at(config, first)))?.checkpoint.channel_values).toEqual({ data: ["before"] });
  });

  it.each(Object.entries(taken))("comes back as from MemorySaver when it is of %s", async (_, make) => {
    expect(await throughTable(make())).toEqual(await fromMemory(make()));
    const [config, saver] = [newThread(), newSaver()];
    const parent = await saver.put(config, checkpointOf(first, {}), metadata, {});
    await saver.putWrites(parent, [["data", make()]], "task");
    const { pendingWrites } = (await newSaver().getTuple(config)) ?? {};
    expect(pendingWrites).toEqual([["task", "data", await fromMemory(make())]]);
  });

  it("is one or the other whatever it is made of, where it is new in an array", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ keep: fc.nat(6), add: fc.array(anything, { maxLength: 3 }) }), { maxLength: 4 }),
        async (changes) => {
          const config = newThread();
          const saver = newSaver();
          let [parent, data, id] = [config, [] as unknown[], 0];
          for (const { keep, add } of changes) {
            const next = [...data.slice(0, keep), ...add.map((make) => make())];
            const checkpoint = checkpointOf(`${first.slice(0, -1)}${id++}`, { data: next }, id);
            const expected = await fromMemory(next).catch(() => UNREADABLE);
            try {
              parent = (await saver.put(parent, checkpoint, metadata, { data: id })) as typeof parent;
              data = next;
            } catch (error) {
              expect(isTenureError(error, "invalid-input") && error.message).toMatch(
                /^channel data cannot be stored: data/,
              );
              // Only one that could not be read would be refused.
              expect(Array.isArray(expected)).toBe(false);
              continue;
            }
            expect((await newSaver().getTuple(parent))?.checkpoint.channel_values.data).toEqual(expected);
          }
        },
      ),
      { numRuns: sized(name === "dynalite" ? 30 : 5, 120), seed: 2026, endOnFailure: true },
    );
  });

  it("stays as it was put when its bytes are changed in place afterwards", async () => {
    const [config, saver] = [newThread(), newSaver()];
    const data = new Uint8Array(1000);
    const parent = await saver.put(config, checkpointOf(first, { data }), metadata, { data: 1 });
    data.fill(1);
    await saver.put(parent, checkpointOf(second, { data }, 2), metadata, { data: 2 });
    expect((await newSaver().getTuple(at(config, first)))?.checkpoint.channel_values.data).toEqual(
      new Uint8Array(1000),
    );
    expect((await newSaver().getTuple(config))?.checkpoint.channel_values.data).toEqual(new Uint8Array(1000).fill(1));
  });

  it("is stored by its name and message when it is an error that cannot be as it is", async () => {
    const [config, saver] = [newThread(), newSaver()];
    const parent = await saver.put(config, checkpointOf(first, {}), metadata, {});
    await saver.putWrites(parent, [["__error__", { name: "Odd", message: 5n, cause: mapOfItself() }]], "task");
    const { pendingWrites } = (await newSaver().getTuple(config)) ?? {};
    expect(pendingWrites).toEqual([["task", "__error__", { name: "Odd", message: "5" }]]);
  });

  it("goes through a serializer of one's own as through LangGraph's", async () => {
    const naive: SerializerProtocol = {
      dumpsTyped: async (value) => ["text", new TextEncoder().encode(JSON.stringify(value))],
      loadsTyped: async (_, bytes) => JSON.parse(new TextDecoder().decode(bytes as Uint8Array)) as unknown,
    };
    const turned: SerializerProtocol = {
      dumpsTyped: async (value) => ["turned", (await new JsonPlusSerializer().dumpsTyped(value))[1].toReversed()],
      loadsTyped: (_, bytes) => new JsonPlusSerializer().loadsTyped("json", (bytes as Uint8Array).toReversed()),
    };
    for (const [serde, data] of [
      [naive, [1n]],
      [naive, () => 1],
      [turned, [1n]],
      [turned, [tool(nested(60))]],
    ] as const) {
      const refusal = await newSaver(serde)
        .put(newThread(), checkpointOf(first, { data }), metadata, { data: 1 })
        .catch((e) => e);
      expect(isTenureError(refusal, "invalid-input") && refusal.message).toMatch(
        /^channel data cannot be stored: data/,
      );
    }
    for (const serde of [naive, turned]) {
      const config = newThread();
      const data = [new Date(0), Number.NaN, new URL("https://example.com")];
      await newSaver(serde).put(config, checkpointOf(first, { data }), metadata, { data: 1 });
      expect((await newSaver(serde).getTuple(config))?.checkpoint.channel_values.data).toEqual(
        JSON.parse(JSON.stringify(data)),
      );
    }
  });

  describe("stored by a version that checked nothing", () => {
    /** Writes what LangChain does not load. */
    const careless: SerializerProtocol = {
      dumpsTyped: async (value) => {
        const text = JSON.stringify(value).replaceAll(
          '"unloadable"',
          '{"lc":1,"type":"constructor","id":["x"],"kwargs":{}}',
        );
        return ["json", new TextEncoder().encode(text)];
      },
      loadsTyped: async (_, bytes) => JSON.parse(new TextDecoder().decode(bytes as Uint8Array)) as unknown,
    };
    async function stored(where: "value" | "metadata" | "body" | "write") {
      const [config, saver] = [newThread(), newSaver(careless)];
      const odd = (here: typeof where) => (where === here ? "unloadable" : "fine");
      const checkpoint = { ...checkpointOf(first, { data: [odd("value")] }), ts: odd("body") };
      const parent = await saver.put(config, checkpoint, { ...metadata, about: odd("metadata") } as never, { data: 1 });
      await saver.putWrites(parent, [["data", odd("write")]], "task");
      await saver.put(parent, checkpointOf(second, {}, 2), { ...metadata, about: "fine" } as never, {});
      return config;
    }

    it.each(["value", "metadata", "body", "write"] as const)("is damage that names its place: %s", async (where) => {
      const config = await stored(where);
      const error = await newSaver()
        .getTuple(at(config, first))
        .catch((e) => e);
      expect(isTenureError(error, "store-corrupt") && error.message).toContain(`checkpoint ${first}`);
      if (where === "value" || where === "write") expect(error.message).toContain("channel data");
      for (const filter of [{}, { about: "fine" }]) {
        const seen = [];
        for await (const tuple of newSaver().list(config, { filter }))
          seen.push("error" in tuple ? "damaged" : tuple.checkpoint.id);
        expect(seen).toEqual([second, "damaged"]);
      }
      if (where === "value" || where === "write")
        await expect(
          newSaver().getDeltaChannelHistory({ config: at(config, second), channels: ["data"] }),
        ).rejects.toMatchObject({ reason: { tag: "store-corrupt" } });
      // A checkpoint that is put on it goes on.
      const next = checkpointOf("1f000000-0000-6000-8000-000000000003", { data: ["new"] }, 3);
      await newSaver().put(at(config, first), next, metadata, { data: 3 });
      expect((await newSaver().getTuple(config))?.checkpoint.channel_values).toEqual({ data: ["new"] });
    });
  });
});
