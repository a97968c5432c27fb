/**
 * Deletions of threads and accounts. A deletion is a revocation: first nothing new is admitted and nobody gets in, then
 * what is under way is stopped, then the data goes, then it is looked for once more. The first step is on record, so that a
 * deletion that is cut short is gone on with by the sweep (docs/failure-model.md#deletions).
 */
import { pause } from "@tenure/core/deadline";
import { TenureError } from "@tenure/core/errors";
import { EVENTS_TTL_MS } from "@tenure/core/events";
import { forEach } from "@tenure/core/parallel";
import type { ErasedRun } from "@tenure/core/thread";
import { keyedHandle } from "@tenure/core/token";
import type { ClosedUser, User } from "@tenure/core/user";
import { accountOf, type Identity } from "../http/identity.ts";
import type { AgentDeps } from "./deps.ts";

/** The runs of this process, for a deletion that has to end one of them. */
export interface UnderWay {
  live(runId: string): { end(why: "interrupt"): void; readonly done: Promise<void> } | undefined;
}

/** Threads of an account that are deleted at once. */
const AT_ONCE = 32;
const POLL_MS = 100;
/**
 * A lease that is older than this by this process' clock is not waited for. Should its holder be at work all the same, by a clock that far behind, then nothing is lost
 * that anybody was to see: what it writes is of an incarnation that is over, and is erased by the look after the deletion.
 */
const MAX_SKEW_MS = 60_000;
/** Entries of the account's activity that are still being written get so long. */
const SETTLE_MS = 250;
/** A deletion that is younger may still be at work in the request that began it. */
const ABANDONED_MS = 60_000;
/** The time that a sweep goes on with deletions. */
const SWEEP_MS = 45_000;

/** Deletes a thread with its runs and all that is stored of it; false when the owner has none by this id. Idempotent. */
export async function deleteThread(
  deps: AgentDeps,
  runner: UnderWay,
  { id, owner }: { id: string; owner: string },
): Promise<boolean> {
  const closed = await deps.threads.close(id, owner);
  if (closed === "held") await released(deps, runner, id);
  if (closed) await eraseThread(deps, { id, owner });
  return closed !== undefined;
}

/**
 * The same for a thread whose making has ended, in whatever way: another deletion may have come between its record and its
 * place among its owner's ids, so that the place is all that is left.
 */
export async function takeBack(
  deps: AgentDeps,
  runner: UnderWay,
  { id, owner }: { id: string; owner: string },
): Promise<boolean> {
  const deleted = await deleteThread(deps, runner, { id, owner });
  if (!deleted) await deps.threads.unlist(id, owner);
  return deleted;
}

/** Deletes what is stored of a closed thread that nobody holds. */
async function eraseThread(deps: AgentDeps, { id, owner }: { id: string; owner: string }): Promise<void> {
  const { threads, checkpointer, events, clock } = deps;
  await checkpointer.eraseThread(id, () => threads.isClosed(id, owner));
  const hasEvents = ({ updatedAt }: ErasedRun) => !(updatedAt + EVENTS_TTL_MS < clock.now());
  await threads.erase(id, owner, (runs) => forEach(runs.filter(hasEvents), AT_ONCE, (run) => events.remove(run.id)));
}

/**
 * Stops whoever holds a closed thread, and resolves when nothing is written to it any more. A holder gives its lease back
 * once its last write has landed. One that does not has died or is cut off: its lease counts as lapsed when it was not
 * renewed for as long as a lease lasts, by the time that passed here.
 */
async function released(deps: AgentDeps, runner: UnderWay, threadId: string): Promise<void> {
  const { threads, events, clock, leasePolicy } = deps;
  let seen = "";
  let since = 0;
  for (;;) {
    const lease = await threads.holderOf(threadId);
    if (!lease) return;
    const live = lease.runId && runner.live(lease.runId);
    if (live) {
      live.end("interrupt");
      await live.done;
    }
    const isNews = JSON.stringify(lease) !== seen;
    if (isNews) {
      seen = JSON.stringify(lease);
      since = performance.now();
      if (live) continue;
      if (lease.runId) {
        await threads.cancel(threadId, lease.runId, "interrupt");
        // The next batch of events hears of it; without Redis the heartbeat does.
        await events.requestCancel(lease.runId, "interrupt").catch(() => {});
      }
    }
    if (performance.now() - since >= leasePolicy.leaseMs || lease.expiresAt + MAX_SKEW_MS <= clock.now()) return;
    await pause(POLL_MS);
  }
}

/**
 * Deletes an account: once this has returned, its user is gone and all its sessions have ended. "later" when its data was
 * not all deleted within `withinMs`, and the sweep goes on. Idempotent; when it throws, call it again, or the sweep does.
 */
export async function deleteAccount(
  deps: AgentDeps,
  runner: UnderWay,
  user: Pick<User, "id" | "email">,
  { withinMs }: { withinMs: number },
): Promise<"done" | "later"> {
  return eraseAccount(deps, runner, await deps.users.close(user), performance.now() + withinMs);
}

async function eraseAccount(
  deps: AgentDeps,
  runner: UnderWay,
  user: ClosedUser,
  until: number,
): Promise<"done" | "later"> {
  const { sessions, threads, assistants, activity, activityLog, users, pepper } = deps;
  const { id: owner } = user;
  // After the user: a login that found the user before looks again once its session is there.
  await sessions.revokeAll(keyedHandle(pepper, "user", owner));
  for (let found = 1; found > 0; ) {
    found = 0;
    for (const ids of [threads.idsOf(owner), idsIn(threads.list(owner))])
      await forEach(before(until, ids), AT_ONCE, async (id) => {
        if (await takeBack(deps, runner, { id, owner })) found += 1;
      });
    for (const ids of [assistants.idsOf(owner), idsIn(assistants.list(owner))])
      await forEach(before(until, ids), AT_ONCE, async (id) => {
        if (await assistants.remove(id, owner)) found += 1;
      });
    if (performance.now() >= until) return "later";
  }
  await deps.storeOf(owner).deleteAll();
  await activity.flush(SETTLE_MS);
  await activityLog.removeAll(accountOf(pepper, user.email), user.closedAt);
  await users.erase(owner);
  return "done";
}

/**
 * For a request that has made something of its user's: a deletion of the account that began meanwhile may have missed it.
 * Takes it back with `undo` then, and throws `session-required`. Either the deletion finds what was made before it looked,
 * or this finds the user gone.
 */
export async function keepForUser(
  { users }: AgentDeps,
  { userId, email }: Identity,
  undo: () => Promise<unknown>,
): Promise<void> {
  if ((await users.find(email))?.id === userId) return;
  await undo();
  throw new TenureError({ tag: "session-required" });
}

/**
 * Deletes what is not seen below a thread's floor: see `keep_latest` in docs/lifetimes.md. False while a lease may be in use under the floor: a later sweep goes on. The root is stored before anything is deleted, so that what lands late, and
 * refers to what is gone, is never the latest state. Idempotent; when it throws, call it again.
 */
export async function thinThread(
  { threads, checkpointer }: Pick<AgentDeps, "threads" | "checkpointer">,
  id: string,
): Promise<boolean> {
  const incarnation = await threads.thin(id);
  if (incarnation === "later") return false;
  const { floor } = incarnation ?? {};
  if (!incarnation || !floor) return true;
  const root = await threads.noteRoot(id, incarnation, floor.root ?? (await checkpointer.rootBelow(id, incarnation)));
  if (root === undefined) return true;
  await checkpointer.eraseOlder(id, { ...incarnation, floor: { ...floor, root } });
  await threads.noteSwept(id, incarnation);
  return true;
}

/** Goes on with deletions that were cut short, and deletes what lifetimes have left; also after one that fails, and throws then. */
export async function sweepDeletions(deps: AgentDeps, runner: UnderWay): Promise<void> {
  const until = performance.now() + SWEEP_MS;
  const isAbandoned = ({ closedAt }: { closedAt: number }) => closedAt + ABANDONED_MS <= deps.clock.now();
  const failures: unknown[] = [];
  const fail = (error: unknown) => failures.push(error);
  const each = <T>(all: AsyncIterable<T>, atOnce: number, work: (one: T) => Promise<unknown>) =>
    forEach(before(until, all), atOnce, async (one) => void (await work(one).catch(fail))).catch(fail);
  await each(deps.users.closed(), 1, async (user) => isAbandoned(user) && eraseAccount(deps, runner, user, until));
  await each(deps.threads.closed(), 1, async (thread) => isAbandoned(thread) && deleteThread(deps, runner, thread));
  await each(deps.threads.overdue(), AT_ONCE, async (found) => {
    if (found.is === "over") await deleteThread(deps, runner, found);
    else if (found.is === "thin") await thinThread(deps, found.id);
    else {
      await deps.checkpointer.eraseThread(found.id, () => deps.threads.isAbsent(found.id));
      await deps.threads.forgetAfter(found);
    }
  });
  if (failures.length > 0) throw failures[0];
}

/** Yields items until the time is up. */
async function* before<T>(until: number, all: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const one of all) {
    if (performance.now() >= until) return;
    yield one;
  }
}

async function* idsIn(all: AsyncIterable<{ id: string }>): AsyncGenerator<string> {
  for await (const { id } of all) yield id;
}
