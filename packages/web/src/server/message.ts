/** Messages of a conversation, as LangGraph's wire has them, and what the page needs of a state. */

export interface ToolCall {
  id?: string;
  name: string;
  args: unknown;
}

export interface Message {
  id?: string;
  type: string;
  content: unknown;
  tool_calls?: ToolCall[];
  tool_call_id?: string;
  name?: string;
  status?: string;
}

/** A question that the agent waits to have answered. */
export interface Question {
  /** Names the interrupt: an answer that names it answers this question, and no other that has come meanwhile. */
  id: string | undefined;
  /** The value of the interrupt, as the graph has put it. */
  asked: Asked;
}

export interface Asked {
  question?: string;
  tool?: string;
  args?: unknown;
}

export interface Chat {
  messages: Message[];
  question?: Question | undefined;
  /** True when something is left to do that no question waits for: a run was stopped, or has failed. */
  isUnfinished: boolean;
  /** The words of the failed task, where one has failed. */
  error?: string | undefined;
}

/** The text of a message, whose content may be text, or a list of parts of which some are text. */
export function textOf({ content }: Message): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return content == null ? "" : JSON.stringify(content);
  const texts = content.map((part: unknown) => {
    if (typeof part === "string") return part;
    const { text } = (part ?? {}) as { text?: unknown };
    return typeof text === "string" ? text : "";
  });
  return texts.filter(Boolean).join("\n");
}
