import { isDeepStrictEqual } from "node:util";
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { JsonPlusSerializer } from "@langchain/langgraph-checkpoint";
import { describe, expect, it } from "vitest";
import { withoutUndefinedFields } from "./undefined-fields.ts";

const serde = new JsonPlusSerializer();
const written = async (value: unknown) => Buffer.from((await serde.dumpsTyped(value))[1]);
const loaded = (bytes: Buffer) => serde.loadsTyped("json", bytes);

/** Types refuse undefined fields, and the code of agents has them. */
const made = (Message: new (fields: never) => BaseMessage, fields: object) => new Message(fields as never);
const tricky = 'a "quoted" {"lc":2,"type":"undefined"} and \\" \\\\';
const ai = made(AIMessage, {
  ...{ id: "1", content: tricky, name: undefined, usage_metadata: undefined },
  tool_calls: [{ name: "look", id: "2", args: { place: undefined, text: tricky } }],
});
const answer = made(ToolMessage, {
  content: tricky,
  tool_call_id: "2",
  artifact: { of: [ai, undefined] },
  id: undefined,
});
const values: [string, unknown][] = [
  ["messages", [made(HumanMessage, { id: undefined, content: "hi" }), ai, answer]],
  ["a message beside a field that is undefined", { message: ai, undefined, after: undefined }],
  ["fields of plain objects", { a: undefined, list: [undefined, { b: undefined }] }],
  ["a message between plain objects", [{ a: undefined }, ai, { a: undefined, b: 1 }]],
  ["text that looks like a field", { [tricky]: tricky, text: '{"lc":1,"type":"constructor"' }],
  [
    "a task with the whole state",
    { lg_name: "Send", node: "tools", args: { messages: [ai, answer], call: undefined } },
  ],
];

describe("undefined fields of LangChain's objects", () => {
  it.each(values)("make no difference to what is loaded: %s", async (_what, value) => {
    const bytes = await written(value);
    expect(isDeepStrictEqual(await loaded(withoutUndefinedFields(bytes)), await loaded(bytes))).toBe(true);
  });

  it("go, so that a message has the same bytes before and after it was loaded", async () => {
    const plain = made(ToolMessage, { content: tricky, tool_call_id: "2", artifact: undefined, id: undefined });
    const bytes = withoutUndefinedFields(await written([ai, plain]));
    const again = withoutUndefinedFields(await written(await loaded(bytes)));
    expect(again.toString()).toBe(bytes.toString());
  });

  it("stay in plain objects, whose bytes are the same", async () => {
    const bytes = await written({ a: undefined, b: { c: undefined } });
    expect(withoutUndefinedFields(bytes)).toBe(bytes);
  });
});
