/** A run whose values no checkpoint takes ends in an error that says which, and its thread goes on from the state before it. */
import { type BaseMessage, ToolMessage } from "@langchain/core/messages";
import { Annotation, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { Client } from "@langchain/langgraph-sdk";
import type { GraphFactory } from "@tenure/functions/graphs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../support/service/stack.ts";

const State = Annotation.Root({
  ...MessagesAnnotation.spec,
  artifact: Annotation<string>,
  callback: Annotation<unknown>,
  /** No value of it can be stored. */
  sum: Annotation<unknown>({ reducer: (_, added) => BigInt(String(added)), default: () => 0 }),
});

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = { in: value };
  return value;
}
const artifacts: Record<string, () => unknown> = {
  plain: () => ({ wei: "1" }),
  bigint: () => ({ wei: 10n ** 18n }),
  throwing: () => ({
    wei: {
      toJSON() {
        throw new Error("no JSON of me");
      },
    },
  }),
  deep: () => ({ wei: nested(60) }),
};

const tool: GraphFactory = ({ checkpointer }) =>
  new StateGraph(State)
    .addNode("tool", ({ artifact }) => {
      if (artifact === "function") return { callback: () => 1 };
      if (artifact === "error") throw Object.assign(new Error("of the node"), { message: "of the node", cause: 1n });
      const message = new ToolMessage({ content: "balance", tool_call_id: "c", artifact: artifacts[artifact]?.() });
      return { messages: [message as BaseMessage] };
    })
    .addEdge(START, "tool")
    .compile({ ...(checkpointer && { checkpointer }) });

let stack: TestStack;
let client: Client<{ messages: { type: string; content: string }[] }>;
beforeAll(async () => {
  stack = await startTestStack({}, { graphs: { tool } });
  const apiKey = await stack.logIn("unstorable@example.com");
  client = new Client({ apiUrl: stack.api, apiKey, callerOptions: { maxRetries: 0 } });
});
afterAll(() => stack.close());

const input = (content: string, artifact: string) => ({ messages: [{ role: "user", content }], artifact });

describe("a value that no checkpoint takes", () => {
  const cases = [
    ["bigint", /^[\w-]+: channel messages cannot be stored: messages\[\d\]\.artifact\.wei is a BigInt/],
    ["throwing", /^[\w-]+: channel messages cannot be stored: messages\[\d\]\.artifact\.wei has a toJSON that throws/],
    ["deep", /^[\w-]+: channel messages cannot be stored: messages\[\d\]\.artifact\.wei.* is nested too deep/],
    ["function", /^[\w-]+: channel callback cannot be stored: callback is a function/],
  ] as const;

  it("ends a run that keeps no checkpoints in an error too, once the graph has ended", async () => {
    const run = client.runs.wait(null, "tool", { input: input("x", "bigint") });
    await expect(run).rejects.toThrow(".messages[1].artifact.wei is a BigInt");
  });

  describe.each(["sync", "async", "exit"] as const)("with durability %s", (durability) => {
    it.each(cases)("ends its run in an error that names it: %s", async (artifact, says) => {
      const { thread_id } = await client.threads.create();
      await client.runs.wait(thread_id, "tool", { input: input("first", "plain"), durability });
      const bad = { input: input("second", artifact), durability };
      await expect(client.runs.wait(thread_id, "tool", bad)).rejects.toThrow(says);
      expect(await client.runs.list(thread_id)).toMatchObject([{ status: "error" }, { status: "success" }]);
      expect((await client.threads.get(thread_id)).status).toBe("error");

      const { values } = await client.threads.getState(thread_id);
      const before = ["first", "balance", ...(durability === "exit" ? [] : ["second"])];
      expect(values.messages.map(({ content }) => content)).toEqual(before);
      expect((await client.threads.getHistory(thread_id)).length).toBeGreaterThan(0);

      const next = await client.runs.wait(thread_id, "tool", { input: input("third", "plain"), durability });
      expect((next as typeof values).messages.map(({ content }) => content)).toEqual([...before, "third", "balance"]);
    });
  });

  it("is refused with 400 in a change of the state by hand", async () => {
    const { thread_id } = await client.threads.create();
    await client.runs.wait(thread_id, "tool", { input: input("first", "plain") });
    const change = client.threads.updateState(thread_id, { values: { sum: "1" }, asNode: "tool" });
    await expect(change).rejects.toThrow(/^HTTP 400.*channel sum cannot be stored: sum is a BigInt/);
  });

  it("does not hide the error of a node", async () => {
    const { thread_id } = await client.threads.create();
    await expect(client.runs.wait(thread_id, "tool", { input: input("x", "error") })).rejects.toThrow("of the node");
  });
});
