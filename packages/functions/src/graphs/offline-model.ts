/**
 * A chat model that needs no network: rules, not a language model, and it says so. It is a real LangChain model,
 * so graphs, tools, streaming and checkpoints run exactly as with any other.
 */

import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import type { BaseLanguageModelInput } from "@langchain/core/language_models/base";
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BindToolsInput,
} from "@langchain/core/language_models/chat_models";
import { AIMessage, AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import type { Runnable } from "@langchain/core/runnables";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";
import { type BoundTool, type Chosen, chooseTool } from "./tool-call.ts";

const ABOUT = "I am Tenure's offline agent: a few rules, no language model (set TENURE_MODEL to use one).";
const ABILITIES = 'I can calculate ("what is 6 * 7?") and, if you approve, keep a note ("remember: buy milk").';

interface OfflineCallOptions extends BaseChatModelCallOptions {
  tools?: BoundTool[];
}

export class OfflineModel extends BaseChatModel<OfflineCallOptions> {
  constructor() {
    super({});
  }

  override _llmType(): string {
    return "tenure-offline";
  }

  /** Calls the tools from then on, by their names, descriptions and schemas: see tool-call.ts. */
  override bindTools(
    tools: BindToolsInput[],
    options: Partial<OfflineCallOptions> = {},
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, OfflineCallOptions> {
    const bound = tools.map((tool) => convertToOpenAITool(tool).function as BoundTool);
    return this.withConfig({ ...options, tools: bound });
  }

  override async _generate(messages: BaseMessage[], options: this["ParsedCallOptions"]): Promise<ChatResult> {
    const message = reply(messages, options);
    return { generations: [{ text: message.text, message }] };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const { text, tool_calls = [] } = reply(messages, options);
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

/** The whole of its wit: deterministic in the messages and the tools. */
function reply(messages: BaseMessage[], { tools = [], tool_choice: choice }: OfflineCallOptions): AIMessage {
  const last = messages.at(-1);
  if (last?.type === "tool") return new AIMessage(`${last.text.replace(/\.?$/, ".")} ${ABOUT}`);
  // The rules have nothing to say to more.
  const said = (last?.text ?? "").slice(0, MAX_HEARD).trim();
  const call = (name: string, args: Record<string, unknown>) =>
    new AIMessage({ content: "", tool_calls: [{ id: `call_${messages.length}`, name, args, type: "tool_call" }] });

  const chosen = choice === "none" ? undefined : (own(said, tools) ?? chooseTool(said, tools, forced(choice)));
  if (chosen && "args" in chosen) return call(chosen.tool.name, chosen.args);
  if (chosen) {
    const { tool, lacks } = chosen;
    return new AIMessage(
      `${ABOUT} I would call ${tool.name}, and did not find its ${lacks.join(" and ")}: say "${lacks[0]}: …".`,
    );
  }

  const turns = messages.filter(({ type }) => type === "human").length;
  const heard =
    turns === 1 ? "This is your first message in this thread." : `You have sent ${turns} messages in this thread.`;
  return new AIMessage(`${ABOUT} ${heard} ${abilities(tools)}`);
}

/** The rules for the tools of the agent of this repository, where they are bound. */
function own(said: string, tools: BoundTool[]): Chosen | undefined {
  const named = (name: string) => tools.find((tool) => tool.name === name);
  const saveNote = named("save_note");
  const note = /^(?:please\s+)?remember(?:\s+that)?[:,]?\s+(.+)$/is.exec(said)?.[1];
  if (saveNote && note) return { tool: saveNote, args: { note } };
  const calculate = named("calculate");
  const expression = /[-(\d][-+*/().\d\s]*[\d)]/.exec(said)?.[0];
  if (calculate && expression && /\d\s*[-+*/]\s*[-(\d]/.test(expression))
    return { tool: calculate, args: { expression: expression.trim() } };
  return undefined;
}

const OWN = new Set(["calculate", "save_note"]);

function abilities(tools: BoundTool[]): string {
  const others = tools.filter(({ name }) => !OWN.has(name));
  const own = tools.length === others.length ? "" : ABILITIES;
  const calls = others.map(({ name, parameters }) => `${name}(${(parameters?.required ?? []).join(", ")})`);
  const rest = calls.length > 0 ? `I call a tool when you name it, with its arguments: ${calls.join(", ")}.` : "";
  return [own, rest].filter(Boolean).join(" ") || "No tool is bound to me.";
}

/** The tool that a caller insists on: its name, or true for any. */
function forced(choice: OfflineCallOptions["tool_choice"]): string | true | undefined {
  if (choice === undefined || choice === "auto") return undefined;
  if (choice === "any" || choice === "required") return true;
  const named = choice as string | { function?: { name?: string }; name?: string };
  return typeof named === "string" ? named : (named.function?.name ?? named.name ?? true);
}
