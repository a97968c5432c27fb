/**
 * Graphs that both servers run: a chat with a model that streams, a subgraph and an interrupt. This file is copied next to
 * the reference server, so it imports nothing but LangChain.
 */

import { SimpleChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import { Annotation, interrupt, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({
  ...MessagesAnnotation.spec,
  todo: Annotation<string>,
  log: Annotation<string[]>({ reducer: (kept, added) => kept.concat(added), default: () => [] }),
});

class Words extends SimpleChatModel {
  override _llmType() {
    return "words";
  }

  override async _call(messages: BaseMessage[]) {
    return `You said ${messages.at(-1)?.text}`;
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    _options: this["ParsedCallOptions"],
    manager?: { handleLLMNewToken(token: string): Promise<void> },
  ) {
    for (const word of (await this._call(messages)).match(/\S+\s*/g) ?? []) {
      const message = new AIMessageChunk({ content: word, id: `answer-${messages.length}` });
      yield new ChatGenerationChunk({ text: word, message });
      await manager?.handleLLMNewToken(word);
    }
  }
}

const inner = new StateGraph(State)
  .addNode("ask", () => ({ log: [`answered ${interrupt({ question: "May I?" })}`] }))
  .addNode("note", () => ({ log: ["noted"] }))
  .addEdge(START, "note")
  .addEdge("note", "ask")
  .compile();

export const chat = new StateGraph(State)
  .addNode("answer", async ({ messages, todo }, config) => {
    if (todo === "fail") throw new TypeError("told to fail");
    config.writer?.({ todo: todo ?? null });
    // Asks for leave at a gate, wherever this is: see test/support/service/gate.ts.
    if (todo?.startsWith("http:")) await fetch(`${todo}/0`, { ...(config.signal && { signal: config.signal }) });
    const answer = await new Words({}).invoke(messages, config);
    return {
      messages: [new AIMessage({ content: answer.content, id: `answer-${messages.length}` })],
      log: ["answered"],
    };
  })
  .addNode("inner", inner)
  .addNode("end", () => ({ log: ["ended"] }))
  .addEdge(START, "answer")
  .addConditionalEdges("answer", ({ todo }) => (todo === "inner" ? "inner" : "end"), ["inner", "end"])
  .addEdge("inner", "end")
  .compile();
