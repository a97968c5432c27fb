/** One thread with the agent, over the LangGraph SDK: its messages, the answer as it streams, the approval. */
import { Client } from "@langchain/langgraph-sdk";

export interface Message {
  id?: string;
  type: string;
  content: unknown;
  tool_calls?: { name: string; args: unknown }[];
}

export interface Chat {
  messages: Message[];
  /** What the agent waits for, if anything. */
  question: string | undefined;
}

interface Values {
  messages?: Message[];
  __interrupt__?: { value?: { question?: string; args?: unknown } }[];
}

const client = new Client({ apiUrl: `${location.origin}/api`, callerOptions: { maxRetries: 0 } });
const STORED = "tenure-thread";

/** The thread of this browser, made when there is none or it belongs to somebody else. */
export async function openThread(): Promise<string> {
  const known = localStorage.getItem(STORED);
  if (known) {
    const found = await client.threads.get(known).catch((error: { status?: number }) => {
      if (error.status === 404) return undefined;
      throw error;
    });
    if (found) return known;
  }
  const { thread_id } = await client.threads.create();
  localStorage.setItem(STORED, thread_id);
  return thread_id;
}

export async function loadChat(threadId: string): Promise<Chat> {
  const { values, tasks } = await client.threads.getState<Values>(threadId);
  const interrupts = tasks.flatMap((task) => task.interrupts) as Values["__interrupt__"];
  return { messages: values.messages ?? [], question: questionOf(interrupts) };
}

/** Sends a message, or answers the approval, and calls `show` with the chat as it grows. */
export async function run(
  threadId: string,
  sent: { text: string } | { approved: boolean },
  show: (chat: Chat) => void,
) {
  const payload =
    "text" in sent
      ? { input: { messages: [{ type: "human", content: sent.text }] } }
      : { command: { resume: { approved: sent.approved } } };
  let messages: Message[] = [];
  let question: string | undefined;
  const stream = client.runs.stream(threadId, "agent", { ...payload, streamMode: ["values", "messages"] });
  for await (const { event, data } of stream) {
    if (event === "values") {
      const values = data as Values;
      messages = values.messages ?? messages;
      question = questionOf(values.__interrupt__);
    } else if (event === "messages/partial") {
      for (const part of data as Message[]) messages = withPart(messages, part);
    } else if (event === "error") throw new Error((data as { message: string }).message);
    show({ messages, question });
  }
}

function withPart(messages: Message[], part: Message): Message[] {
  const at = messages.findIndex(({ id }) => id === part.id);
  return at < 0 ? [...messages, part] : messages.with(at, part);
}

function questionOf(interrupts: Values["__interrupt__"]): string | undefined {
  const asked = interrupts?.[0]?.value;
  return asked && `${asked.question ?? "May I go on?"} ${JSON.stringify(asked.args ?? {})}`;
}
