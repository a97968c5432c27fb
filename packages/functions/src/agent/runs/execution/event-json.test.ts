import { AIMessage, AIMessageChunk, HumanMessage } from "@langchain/core/messages";
import { expect, it } from "vitest";
import { stringify } from "../../../http/json.ts";
import { EventJson, messageJson } from "./event-json.ts";

class Own extends AIMessageChunk {}

const messages: [string, object][] = [
  ["a token", new AIMessageChunk({ content: 'hel"lo\u2028 \ud83d', id: "answer-1" })],
  ["a token of text alone", new AIMessageChunk("hello")],
  ["a token with a name", new AIMessageChunk({ content: "", name: "ada" })],
  ["a token without an id", new AIMessageChunk({ content: "x", id: undefined as never })],
  [
    "a part of a tool call",
    new AIMessageChunk({ content: "", tool_call_chunks: [{ name: "add", args: '{"a":', id: "c", index: 0 }] }),
  ],
  ["blocks of content", new AIMessageChunk({ content: [{ type: "text", text: "hello" }] })],
  [
    "usage",
    new AIMessageChunk({
      content: "",
      usage_metadata: { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
    } as never),
  ],
  ["what a provider adds", new AIMessageChunk({ content: "x", response_metadata: { modelName: "m" } })],
  ["what LangChain would escape", new AIMessageChunk({ content: "x", additional_kwargs: { lc: 1 } })],
  ["a field of somebody's own", new AIMessageChunk({ content: "x", ownField: 1 } as never)],
  ["a class of somebody's own", new Own({ content: "x" })],
  ["a whole message", new AIMessage("hello")],
  ["a user's message", new HumanMessage("hello")],
  ["two tokens together", new AIMessageChunk({ content: "a", id: "1" }).concat(new AIMessageChunk({ content: "b" }))],
];

it.each(messages)("writes %s as everything else is written", (_, message) => {
  const { head, rest } = messageJson(message);
  expect(head + rest).toBe(stringify(message));
});

it("parts a token of text after its content", () => {
  const { head, rest } = messageJson(new AIMessageChunk({ content: "hello", id: "answer-1" }));
  expect(head).toBe('{"content":"hello"');
  expect(messageJson(new AIMessageChunk({ content: "you", id: "answer-1" })).rest).toBe(rest);
});

it("gives one tail for the tokens of a call, with which each text is whole", () => {
  const json = new EventJson();
  const metadata = { langgraph_node: "model", tags: ["a"] };
  const [one, two] = ["a", "b"].map((content) => {
    const data = [new AIMessageChunk({ content }), metadata];
    const text = json.textOf({ event: "messages|inner:1", data });
    expect(text.head + text.tail).toBe(stringify(data));
    return text;
  });
  expect(one?.tail).toBe(two?.tail);
  const other = json.textOf({ event: "messages", data: [new AIMessageChunk("c"), { langgraph_node: "other" }] });
  expect(other.tail).toMatch(/^,.*"type":"ai"\},\{"langgraph_node":"other"\}\]$/);
});

it("gives every other event in one part", () => {
  const json = new EventJson();
  expect(json.textOf({ event: "values", data: [1, {}] })).toEqual({ head: "[1,{}]" });
  expect(json.textOf({ event: "messages/partial", data: [1, {}] })).toEqual({ head: "[1,{}]" });
  expect(json.textOf({ event: "updates", data: undefined })).toEqual({ head: "null" });
});

it("names the part of a token that has no JSON, by its path in the event", () => {
  const token = { event: "messages", data: [new AIMessageChunk("a"), { cost: { wei: 1n } }] };
  expect(() => new EventJson().textOf(token)).toThrow("A messages event has no JSON: [1].cost.wei is a BigInt");
  expect(() => new EventJson().textOf({ event: "custom", data: undefined })).toThrow("A custom event has no JSON");
});
