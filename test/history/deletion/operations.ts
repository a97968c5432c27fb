/** Operations of users, at random. Each operation may be refused, which is fine: the checker looks at what was let through. */
import type { Deletion, History, User } from "./history.ts";

type Operation = (history: History, user: User) => Promise<unknown>;

const STRATEGIES = ["reject", "enqueue", "interrupt", "rollback"];
const DURABILITIES = ["sync", "async", "exit"];
const MAX_DELAY_S = 60;

/** A run's request, of text that is of the user and, with one, of the thread. */
function run(history: History, { id: userId }: User, threadId?: string, more: object = {}): object {
  const marker = history.mark({ userId, ...(threadId !== undefined && { threadId }) });
  return {
    assistant_id: "noted",
    input: { marker, remembers: history.random(3) === 0 },
    multitask_strategy: history.one(STRATEGIES),
    durability: history.one(DURABILITIES),
    metadata: { marker },
    ...more,
  };
}

const later = (history: History) => ({ after_seconds: 1 + history.random(MAX_DELAY_S) });

/** An operation on one of the user's threads, if there is one; often on the same one, where others are at work. */
const onThread =
  (work: (history: History, user: User, threadId: string) => Promise<unknown>): Operation =>
  async (history, user) => {
    const threads = history.ownThreads(user);
    const threadId = history.random(2) === 0 ? threads[0] : history.one(threads);
    if (threadId !== undefined) await work(history, user, threadId);
  };

const runOn = (way: "" | "/wait" | "/stream", more: (history: History) => object = () => ({})): Operation =>
  onThread(async (history, user, threadId) => {
    const body = run(history, user, threadId, more(history));
    const begun = await history.call(user, "POST", `/threads/${threadId}/runs${way}`, { body });
    if (way === "" && begun.status === 200)
      history.runs.push({ threadId, runId: (JSON.parse(begun.text) as { run_id: string }).run_id });
  });

const runAlone =
  (way: "" | "/wait" | "/stream", more: (history: History) => object = () => ({})): Operation =>
  (history, user) =>
    history.call(user, "POST", `/runs${way}`, { body: run(history, user, undefined, more(history)) });

const keep = (history: History) => (history.random(2) === 0 ? { on_completion: "keep" } : {});

export const deleteThread: Operation = onThread(async (history, user, threadId) => {
  const { status } = await history.call(user, "DELETE", `/threads/${threadId}`);
  if (status === 204) history.deletions.push({ userId: user.id, threadId, at: history.steps.tick(), status });
});

export const deleteAccount: Operation = async (history, user) => {
  const { status } = await history.call(user, "DELETE", "/account");
  if (status === 204 || status === 202) history.deletions.push({ userId: user.id, at: history.steps.tick(), status });
};

const read = onThread(async (history, user, threadId) => {
  const path = history.one(["", "/state", "/runs"]) ?? "";
  await history.call(user, "GET", `/threads/${threadId}${path}`);
});

const putItem: Operation = (history, user) => {
  const marker = history.mark({ userId: user.id });
  return history.call(user, "PUT", "/store/items", {
    body: { namespace: ["notes"], key: marker, value: { marker } },
  });
};

/** Each with how often it comes, beside the others. */
const operations: [times: number, name: string, operation: Operation][] = [
  [4, "log in", (history, user) => history.logIn(user.email)],
  [2, "make a thread", (history, user) => history.newThread(user, {})],
  [
    2,
    "make a thread of a chosen id",
    (history, user) =>
      history.newThread(user, {
        thread_id: history.newThreadId(),
        metadata: { marker: history.mark({ userId: user.id }) },
      }),
  ],
  [3, "run and wait", runOn("/wait")],
  [2, "run and watch", runOn("/stream")],
  [4, "run", runOn("")],
  [2, "run later", runOn("", later)],
  [2, "run alone and wait", runAlone("/wait", keep)],
  [1, "run alone and watch", runAlone("/stream")],
  [2, "run alone", runAlone("", keep)],
  [2, "run alone later", runAlone("", later)],
  [
    2,
    "run on a thread that it makes",
    async (history, user) => {
      const threadId = history.newThreadId();
      history.noteThread(threadId, user);
      const body = run(history, user, threadId, { if_not_exists: "create" });
      await history.call(user, "POST", `/threads/${threadId}/runs${history.one(["", "/wait"])}`, { body });
    },
  ],
  [3, "put into memory", putItem],
  [
    2,
    "make an assistant",
    async (history, user) => {
      const metadata = { marker: history.mark({ userId: user.id }) };
      const made = await history.call(user, "POST", "/assistants", { body: { graph_id: "noted", metadata } });
      if (made.status !== 200 || history.random(2) === 0) return;
      const { assistant_id } = JSON.parse(made.text) as { assistant_id: string };
      await history.call(user, "PATCH", `/assistants/${assistant_id}`, { body: { name: "changed" } });
    },
  ],
  [
    2,
    "change a state",
    onThread(async (history, user, threadId) => {
      const marker = history.mark({ userId: user.id, threadId });
      const body = { values: { said: [marker] }, as_node: "three" };
      await history.call(user, "POST", `/threads/${threadId}/state`, { body });
    }),
  ],
  [
    2,
    "copy a thread",
    onThread(async (history, user, threadId) => {
      const { status, text } = await history.call(user, "POST", `/threads/${threadId}/copy`);
      if (status === 200) history.acknowledge((JSON.parse(text) as { thread_id: string }).thread_id, user);
    }),
  ],
  [
    2,
    "roll a run back",
    async (history, user) => {
      const known = history.one(history.runs);
      if (known)
        await history.call(user, "POST", `/threads/${known.threadId}/runs/${known.runId}/cancel?action=rollback`);
    },
  ],
  [3, "read a thread", read],
  [1, "read memory", (history, user) => history.call(user, "POST", "/store/items/search", { body: {} })],
  [3, "delete a thread", deleteThread],
  [2, "delete the account", deleteAccount],
];

const bag = operations.flatMap(([times, name, operation]) =>
  Array.from({ length: times }, () => ({ name, operation })),
);

export const anyOperation = (history: History) => history.one(bag) as (typeof bag)[number];

/** Reads that are begun once a deletion has returned: by its user, by a new login of the address, and by a stranger. */
export function probesOf(history: History, { userId, threadId }: Deletion, stranger: string) {
  const user = history.users.find(({ id }) => id === userId) as User;
  const probes: (() => Promise<unknown>)[] = [];
  const others = () => history.users.filter(({ email }) => email === stranger).at(-1);
  const takeOver = async (id: string) => {
    const other = others();
    // A thread that the stranger has deleted would be the stranger's own again.
    if (!other || history.deletions.some((one) => one.threadId === id && one.userId === other.id)) return;
    await history.newThread(other, { thread_id: id });
    await history.call(other, "GET", `/threads/${id}/state`);
    if (history.random(2) === 0)
      await history.call(other, "POST", `/threads/${id}/runs/wait`, { body: run(history, other, id) });
    await history.call(other, "GET", `/threads/${id}/runs`);
  };
  if (threadId === undefined) {
    for (const session of user.sessions) probes.push(() => history.call(user, "GET", "/auth/session", { session }));
    probes.push(async () => {
      const again = await history.logIn(user.email);
      if (!again) return;
      for (const path of ["/threads/search", "/assistants/search", "/store/items/search"])
        await history.call(again, "POST", path, { body: { limit: 100 } });
    });
    const lost = history.one(history.ownThreads(user));
    if (lost !== undefined) probes.push(() => takeOver(lost));
    return probes;
  }
  probes.push(
    () => history.call(user, "GET", `/threads/${threadId}/state`),
    () => history.call(user, "GET", `/threads/${threadId}/runs`),
    () => history.call(user, "POST", "/threads/search", { body: { limit: 100 } }),
    () => takeOver(threadId),
  );
  return probes;
}
