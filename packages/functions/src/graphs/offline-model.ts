/**
 * A chat model that needs no network: rules, not a language model, and it says so. It is a real LangChain model,
 * so graphs, tools, streaming and checkpoints run exactly as with any other.
 */

import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import type { BaseLanguageModelInput } from "@langchain/core/language_models/base";
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import type { Runnable } from "@langchain/core/runnables";

const ABOUT = "I am Tenure's offline agent: a few rules, no language model (set TENURE_MODEL to use one).";
const ABILITIES = 'I can calculate ("what is 6 * 7?") and, if you approve, keep a note ("remember: buy milk").';

export class OfflineModel extends BaseChatModel {
  constructor() {
    super({});
  }

  override _llmType(): string {
    return "tenure-offline";
  }

  override bindTools(): Runnable<BaseLanguageModelInput, AIMessageChunk> {
    return this as unknown as Runnable<BaseLanguageModelInput, AIMessageChunk>;
  }

  override async _generate(messages: BaseMessage[]): Promise<ChatResult> {
    const message = reply(messages);
    return { generations: [{ text: message.text, message }] };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    _options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const { text, tool_calls = [] } = reply(messages);
    for (const word of text.match(/\S+\s*/g) ?? []) {
      const chunk = new ChatGenerationChunk({ text: word, message: new AIMessageChunk({ content: word }) });
      yield chunk;
      await runManager?.handleLLMNewToken(word, undefined, undefined, undefined, undefined, { chunk });
    }
    if (tool_calls.length === 0) return;
    const tool_call_chunks = tool_calls.map(({ id, name, args }, index) => ({
      ...(id !== undefined && { id }),
      name,
      args: JSON.stringify(args),
      index,
      type: "tool_call_chunk" as const,
    }));
    const chunk = new ChatGenerationChunk({ text: "", message: new AIMessageChunk({ content: "", tool_call_chunks }) });
    yield chunk;
    await runManager?.handleLLMNewToken("", undefined, undefined, undefined, undefined, { chunk });
  }
}

/** Characters of a message that the rules look at. Their patterns take the square of that, 2 ms here. */
const MAX_HEARD = 1000;

/** The whole of its wit: deterministic in the messages. */
function reply(messages: BaseMessage[]): AIMessage {
  const last = messages.at(-1);
  if (last?.type === "tool") return new AIMessage(`${last.text.replace(/\.?$/, ".")} ${ABOUT}`);
  // The rules have nothing to say to more.
  const said = (last?.text ?? "").slice(0, MAX_HEARD).trim();
  const call = (name: string, args: Record<string, string>) =>
    new AIMessage({ content: "", tool_calls: [{ id: `call_${messages.length}`, name, args, type: "tool_call" }] });

  const note = /^(?:please\s+)?remember(?:\s+that)?[:,]?\s+(.+)$/is.exec(said)?.[1];
  if (note) return call("save_note", { note });
  const expression = /[-(\d][-+*/().\d\s]*[\d)]/.exec(said)?.[0];
  if (expression && /\d\s*[-+*/]\s*[-(\d]/.test(expression))
    return call("calculate", { expression: expression.trim() });

  const turns = messages.filter(({ type }) => type === "human").length;
  const heard =
    turns === 1 ? "This is your first message in this thread." : `You have sent ${turns} messages in this thread.`;
  return new AIMessage(`${ABOUT} ${heard} ${ABILITIES}`);
}
