/** Threads with the agent, over LangGraph's own client: lists, states, checkpoints, and runs as they stream. */
import { Client } from "@langchain/langgraph-sdk";
import { noThread } from "./failure.ts";
import { DEADLINE_MS, request } from "./http.ts";
import { type Asked, type Chat, type Message, type Question, textOf } from "./message.ts";

export interface ThreadEntry {
  id: string;
  title: string;
}

export interface Step {
  checkpointId: string;
  parentId: string | undefined;
  /** The place in the thread, from 1: it never changes. Two branches have the same numbers from where they part. */
  number: number | undefined;
  /** The step, in a few words. */
  name: string;
  chat: Chat;
}

interface Page<T> {
  items: T[];
  hasMore: boolean;
}

interface Values {
  messages?: Message[];
  __interrupt__?: { id?: string; value?: unknown }[];
}

interface State {
  values: Values;
  next: string[];
  tasks: { error?: string | null; interrupts: unknown[] }[];
}

const ASSISTANT = "agent";
const THREADS = 30;
const STEPS = 30;
const TITLE_LENGTH = 60;
const THREAD_ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
/** LangGraph takes an answer for a map of answers when its keys look so. */
const INTERRUPT_ID = /^[\da-f]{32}$/;
/** The step of a thread's first checkpoint is -1. */
const FIRST_STEP = -1;

const options = { apiUrl: `${location.origin}/api`, callerOptions: { maxRetries: 0, fetch: request } };
const client = new Client({ ...options, timeoutMs: DEADLINE_MS });

/** A thread as a list needs it: its title, and the first words that were said, without the rest of its state. */
const BRIEF = {
  select: ["thread_id", "metadata", "status"],
  extract: { first: "values.messages[0].content" },
} as const;

interface Brief {
  thread_id: string;
  status: string;
  metadata?: { title?: unknown } | null;
  extracted?: { first?: unknown };
}

const search = async (query: object): Promise<Brief[]> =>
  (await client.threads.search({ ...BRIEF, ...query } as never)) as unknown as Brief[];

function titleOf({ metadata, extracted }: Brief): string {
  const given =
    typeof metadata?.title === "string" ? metadata.title : textOf({ type: "human", content: extracted?.first });
  return given.trim().slice(0, TITLE_LENGTH) || "New thread";
}

/** The user's threads from the `offset`-th, the one that changed last first. */
async function listThreads(offset: number): Promise<Page<ThreadEntry>> {
  const found = await search({ limit: THREADS + 1, offset, sortBy: "updated_at", sortOrder: "desc" });
  const items = found.slice(0, THREADS).map((one) => ({ id: one.thread_id, title: titleOf(one) }));
  return { items, hasMore: found.length > THREADS };
}

const deleteThread = (id: string): Promise<void> => client.threads.delete(id);
const renameThread = async (id: string, title: string): Promise<void> =>
  void (await client.threads.update(id, { metadata: { title: title.slice(0, TITLE_LENGTH) } }));

interface Opened {
  chat: Chat;
  title: string;
  /** True when a run is under way, or waits for its turn. */
  isBusy: boolean;
}

async function openThread(id: string): Promise<Opened> {
  // An address that somebody has mistyped names no thread; the service says of it how ids are written, which helps nobody.
  if (!THREAD_ID.test(id)) throw noThread();
  const [state, [brief]] = await Promise.all([client.threads.getState<Values>(id), search({ ids: [id], limit: 1 })]);
  return { chat: chatOf(state as State), title: brief ? titleOf(brief) : "", isBusy: brief?.status === "busy" };
}

/** The thread's checkpoints before one, or from the newest on, the newest first. */
async function listSteps(threadId: string, before?: string): Promise<Page<Step>> {
  const history = await client.threads.getHistory<Values>(threadId, {
    limit: STEPS + 1,
    ...(before && { before: { configurable: { checkpoint_id: before } } }),
  });
  const items = history.slice(0, STEPS).map((state) => {
    const step = (state.metadata as { step?: unknown } | null)?.step;
    return {
      checkpointId: state.checkpoint?.checkpoint_id ?? "",
      parentId: state.parent_checkpoint?.checkpoint_id ?? undefined,
      number: typeof step === "number" ? step - FIRST_STEP + 1 : undefined,
      name: nameOf(state.next),
      chat: chatOf(state as State),
    };
  });
  return { items, hasMore: history.length > STEPS };
}

function nameOf(next: string[]): string {
  if (next.length === 0) return "the end of a turn";
  return next.includes("__start__") ? "before a message" : `before ${next.join(", ")}`;
}

function chatOf({ values, next, tasks }: State): Chat {
  const interrupts = tasks.flatMap((task) => task.interrupts) as Values["__interrupt__"];
  const question = questionOf(interrupts);
  const failed = tasks.find(({ error }) => error);
  return {
    messages: values.messages ?? [],
    question,
    isUnfinished: next.length > 0 && question === undefined,
    ...(failed?.error && { error: wordsOf(failed.error) }),
  };
}

/** The message of a task's error, which is JSON of name and message. */
function wordsOf(error: string): string {
  try {
    const { message } = JSON.parse(error) as { message?: unknown };
    return typeof message === "string" ? message : error;
  } catch {
    return error;
  }
}

/** A person's part of a turn: words, from a checkpoint or from the end; the answer to a question that it names; or nothing, to go on with what is left. */
export type Sent =
  | { text: string; checkpointId?: string }
  | { approved: boolean; to: string | undefined }
  | { goOn: true };

interface Watcher {
  /** Ends the watching; the run goes on. */
  signal: AbortSignal;
  /** Called once the run is on record: what was sent is not lost any more. */
  accepted(runId: string): void;
  show(chat: Pick<Chat, "messages" | "question">): void;
}

/** The run has ended in an error, of which these are the words. */
class RunFailed extends Error {}

interface Turn {
  threadId: string;
  /** True for the first run of a thread, which makes it; any other is refused where the thread is gone. */
  isNew: boolean;
  sent: Sent;
  /** A request under the same key begins no second run, so that one whose answer was lost can be sent again. */
  key: string;
}

/** Begins a run, and follows it to its end. */
async function begin({ threadId, isNew, sent, key }: Turn, watcher: Watcher): Promise<void> {
  const keyed = new Client({ ...options, defaultHeaders: { "Idempotency-Key": key } });
  const events = keyed.runs.stream(threadId, ASSISTANT, {
    ...payloadOf(sent),
    ...(isNew && { ifNotExists: "create" }),
    streamMode: ["values", "messages"],
    onRunCreated: ({ run_id }) => watcher.accepted(run_id),
    signal: watcher.signal,
  });
  await follow(events, watcher);
}

function payloadOf(sent: Sent) {
  if ("goOn" in sent) return { input: null };
  if ("approved" in sent) {
    const answer = { approved: sent.approved };
    return { command: { resume: sent.to && INTERRUPT_ID.test(sent.to) ? { [sent.to]: answer } : answer } };
  }
  return {
    input: { messages: [{ type: "human", content: sent.text }] },
    ...(sent.checkpointId && { checkpointId: sent.checkpointId }),
  };
}

/** Follows the run that is under way, as after a reload, to its end; false when there is none. */
async function rejoin(threadId: string, watcher: Watcher): Promise<boolean> {
  const found = await client.runs.list(threadId, { limit: 10 });
  const run = found.find(({ status }) => status === "running") ?? found.find(({ status }) => status === "pending");
  if (!run) return false;
  watcher.accepted(run.run_id);
  await follow(client.runs.joinStream(threadId, run.run_id, { signal: watcher.signal }), watcher);
  return true;
}

/** Ends a run; what it has done so far stays. */
const cancelRun = (threadId: string, runId: string): Promise<void> => client.runs.cancel(threadId, runId);

async function follow(events: AsyncIterable<{ event: string; data: unknown }>, { show }: Watcher): Promise<void> {
  let messages: Message[] | undefined;
  let question: Question | undefined;
  for await (const { event, data } of events) {
    if (event === "values") {
      const values = data as Values;
      messages = values.messages ?? messages;
      question = questionOf(values.__interrupt__);
    } else if (event === "messages/partial") {
      // Parts belong to a list that the values have begun.
      for (const part of data as Message[]) if (messages) messages = withPart(messages, part);
    } else if (event === "error") throw new RunFailed((data as { message?: string }).message ?? "");
    else continue;
    if (messages) show({ messages, question });
  }
}

function withPart(messages: Message[], part: Message): Message[] {
  const at = messages.findIndex(({ id }) => id === part.id);
  return at < 0 ? [...messages, part] : messages.with(at, part);
}

function questionOf(interrupts: Values["__interrupt__"]): Question | undefined {
  if (!interrupts?.length) return undefined;
  const { id, value } = interrupts[0] ?? {};
  if (typeof value === "string") return { id, asked: { question: value } };
  return { id, asked: typeof value === "object" && value !== null ? (value as Asked) : {} };
}

export const agent = {
  ...{ listThreads, openThread, listSteps, renameThread, deleteThread },
  ...{ begin, rejoin, cancelRun, RunFailed },
};
export type AgentClient = typeof agent;
