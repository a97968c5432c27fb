/** Checks a history for what may not follow a deletion, and the stores for what may not be left. */
import type { Call, Deletion, History } from "./history.ts";

/** Reads, executions and sessions after a deletion had returned, a line each. */
export function check(history: History): string[] {
  const violations = history.calls
    .filter(({ status }) => status >= 500)
    .map((call) => `${nameOf(call)} answered ${call.status}: ${call.text}`);
  for (const deletion of history.deletions) {
    const { userId, threadId, at } = deletion;
    for (const call of history.calls.filter((one) => one.at > at))
      for (const found of threadId === undefined ? ofAccount(history, userId, call) : ofThread(history, deletion, call))
        violations.push(`${nameOf(call)}, begun after ${textOf(deletion)}, ${found}`);
    for (const visit of history.world.visits)
      if (visit.at > at && visit.userId === userId && (threadId === undefined || visit.threadId === threadId))
        violations.push(`a node of ${visit.threadId} began at ${visit.at}, after ${textOf(deletion)}`);
  }
  return violations;
}

function* ofAccount({ markers }: History, userId: string, { userId: by, status, text }: Call): Generator<string> {
  if (by === userId && status !== 401) yield `answered ${status} to a session that had ended`;
  if (text.includes(userId)) yield `told the user's id: ${text}`;
  for (const [marker, marked] of markers)
    if (marked.userId === userId && text.includes(marker)) yield `found ${marker} of the user: ${text}`;
}

function* ofThread(
  { markers }: History,
  { userId, threadId }: Deletion,
  { userId: by, path, status, text }: Call,
): Generator<string> {
  const isOnThread = path.includes(`/${threadId}`);
  if (by === userId && isOnThread && status !== 404 && status !== 401) yield `answered ${status}`;
  if (by === userId && path === "/threads/search" && text.includes(String(threadId))) yield `listed it: ${text}`;
  for (const [marker, marked] of markers)
    if (isOnThread && marked.userId === userId && marked.threadId === threadId && text.includes(marker))
      yield `found ${marker} of the thread: ${text}`;
}

/** Ids of users and threads that were deleted, where they are in the stores still, a line each. */
export function search(history: History, contents: string[]): string[] {
  const { deletions, threads, world } = history;
  const gone = accountsOf(history);
  const erased = new Map<string, string>();
  for (const { threadId, userId } of deletions) if (threadId !== undefined) erased.set(threadId, userId);
  for (const [threadId, [owner = ""]] of threads) if (gone.has(owner)) erased.set(threadId, owner);
  for (const { threadId, userId } of world.visits) if (gone.has(userId)) erased.set(threadId, userId);
  const violations = [...gone].flatMap((userId) => linesWith(contents, userId));
  for (const [threadId, owner] of erased) {
    // Another user may have made a thread of that id.
    const isTaken = (threads.get(threadId) ?? []).some((maker) => maker !== owner && !gone.has(maker));
    // The fence of a run stays for a while, so that nothing of it is appended; a run without a thread has its thread's id.
    const isFence = (line: string) => line.startsWith(`run:{${threadId}}:fence `);
    const isWrong = (line: string) => !isFence(line) && (!isTaken || line.includes(owner));
    violations.push(...linesWith(contents, threadId, isWrong));
  }
  return violations;
}

/** Text of deleted users that is in the stores still, a line each. */
export function searchText(history: History, contents: string[]): string[] {
  const gone = accountsOf(history);
  return [...history.markers].flatMap(([marker, { userId }]) => (gone.has(userId) ? linesWith(contents, marker) : []));
}

const accountsOf = ({ deletions }: History) =>
  new Set(deletions.filter(({ threadId }) => threadId === undefined).map(({ userId }) => userId));

const linesWith = (contents: string[], what: string, isWrong: (line: string) => boolean = () => true) =>
  contents.filter((line) => line.includes(what) && isWrong(line)).map((line) => `${what} is left: ${line}`);

/** Threads that nobody has deleted and that are not there, a line each. */
export async function lost(history: History): Promise<string[]> {
  const { deletions, users, threads, acknowledged, steps } = history;
  const violations: string[] = [];
  for (const { id, sessions } of users) {
    if (deletions.some(({ userId, threadId }) => userId === id && threadId === undefined)) continue;
    const [session] = sessions;
    const user = users.find((one) => one.id === id);
    for (const [threadId, makers] of threads) {
      const isDeleted = deletions.some((one) => one.threadId === threadId && one.userId === id);
      if (makers.at(-1) !== id || isDeleted || !acknowledged.has(threadId)) continue;
      const { status, text } = await steps.settled(history.call(user, "GET", `/threads/${threadId}`, { session }));
      if (status !== 200) violations.push(`thread ${threadId} of ${id} is lost: ${status} ${text}`);
    }
  }
  return violations;
}

const nameOf = ({ operation, at, method, path }: Call) => `${method} ${path} (${operation}, at ${at})`;

const textOf = ({ threadId, at, status }: Deletion) =>
  `the deletion of ${threadId === undefined ? "the account" : `thread ${threadId}`} (${status}, at ${at})`;
