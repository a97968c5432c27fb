/** Threads with the agent, over LangGraph's own client: their messages, answers as they stream, approvals, checkpoints. */
import { Client } from "@langchain/langgraph-sdk";
import { listeningFetch } from "./api.ts";

export interface Message {
  id?: string | undefined;
  type: string;
  content: unknown;
  tool_calls?: { name: string; args: unknown }[] | undefined;
}

export interface Chat {
  messages: Message[];
  /** The question that the agent waits to have answered; undefined when there is none. */
  question: string | undefined;
}

export interface ThreadEntry {
  id: string;
  title: string;
}

export interface Step {
  checkpointId: string;
  /** The step, in a few words. */
  name: string;
  chat: Chat;
}

interface Values {
  messages?: Message[] | undefined;
  __interrupt__?: { value?: { question?: string; args?: unknown } | undefined }[];
}

const ASSISTANT = "agent";
const client = new Client({
  apiUrl: `${location.origin}/api`,
  callerOptions: { maxRetries: 0, fetch: listeningFetch },
});

export async function listThreads(): Promise<ThreadEntry[]> {
  const found = await client.threads.search<Values>({ limit: 30, sortBy: "updated_at", sortOrder: "desc" });
  return found.map(({ thread_id, values }) => ({ id: thread_id, title: titleOf(values?.messages) }));
}

export const createThread = async (): Promise<string> => (await client.threads.create()).thread_id;
export const deleteThread = (id: string): Promise<void> => client.threads.delete(id);

const titleOf = (messages: Message[] | undefined): string =>
  textOf(messages?.find(({ type }) => type === "human")).slice(0, 60) || "New thread";

export const textOf = (message: Message | undefined): string =>
  typeof message?.content === "string" ? message.content : message ? JSON.stringify(message.content) : "";

export async function loadChat(threadId: string): Promise<Chat> {
  return chatOf(await client.threads.getState<Values>(threadId));
}

/** The thread's checkpoints, the newest first. */
export async function loadSteps(threadId: string): Promise<Step[]> {
  const history = await client.threads.getHistory<Values>(threadId, { limit: 40 });
  return history.map((state) => ({
    checkpointId: state.checkpoint.checkpoint_id ?? "",
    name: state.next.length > 0 ? `before ${state.next.join(", ")}` : "the end of a turn",
    chat: chatOf(state),
  }));
}

function chatOf({ values, tasks }: { values: Values; tasks: { interrupts: unknown[] }[] }): Chat {
  const interrupts = tasks.flatMap((task) => task.interrupts) as Values["__interrupt__"];
  return { messages: values.messages ?? [], question: questionOf(interrupts) };
}

export type Sent = { text: string; checkpointId?: string | undefined } | { approved: boolean };

/** Says something, or answers the approval, and calls `show` with the chat as it grows. */
export async function run(threadId: string, sent: Sent, show: (chat: Chat) => void): Promise<void> {
  const payload =
    "text" in sent
      ? {
          input: { messages: [{ type: "human", content: sent.text }] },
          ...(sent.checkpointId && { checkpointId: sent.checkpointId }),
        }
      : { command: { resume: { approved: sent.approved } } };
  await follow(client.runs.stream(threadId, ASSISTANT, { ...payload, streamMode: ["values", "messages"] }), show);
}

/** Goes on with an answer that is under way, as after a reload; does nothing when there is none. */
export async function rejoin(threadId: string, show: (chat: Chat) => void): Promise<void> {
  const [last] = await client.runs.list(threadId, { limit: 1 });
  if (last?.status !== "running" && last?.status !== "pending") return;
  await follow(client.runs.joinStream(threadId, last.run_id), show);
}

async function follow(events: AsyncIterable<{ event: string; data: unknown }>, show: (chat: Chat) => void) {
  let messages: Message[] = [];
  let question: string | undefined;
  for await (const { event, data } of events) {
    if (event === "values") {
      const values = data as Values;
      messages = values.messages ?? messages;
      question = questionOf(values.__interrupt__);
    } else if (event === "messages/partial") {
      for (const part of data as Message[]) messages = withPart(messages, part);
    } else if (event === "error") throw new Error((data as { message: string }).message);
    else continue;
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
