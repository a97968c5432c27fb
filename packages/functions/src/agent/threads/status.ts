/** A thread's status, derived from its state, and changes of a state that no run makes. */
import { pause } from "@tenure/core/deadline";
import { underGuard } from "@tenure/core/dynamo";
import { isTenureError, TenureError } from "@tenure/core/errors";
import type { Projection, SettledStatus, Thread } from "@tenure/core/thread";
import { newId } from "@tenure/core/token";
import { errorJson } from "../../http/json.ts";
import type { AgentDeps } from "../deps.ts";
import { Hold } from "../runs/execution/hold.ts";
import type { StateSnapshot } from "../wire.ts";
import type { ThreadAccess } from "./access.ts";
import { projectionOf } from "./projection.ts";

/** The time that a change waits for another one of the same thread. */
const WAIT_MS = 5000;
const PAUSE_MS = 25;

type Left = Pick<StateSnapshot, "next" | "tasks"> | undefined;

/**
 * True where something is left to do. A task that asks its second question is not in `next`: LangGraph counts it as done as soon as
 * it has got its first answer.
 */
export const isWaiting = (state: Left): boolean =>
  state !== undefined && (state.next.length > 0 || state.tasks.some(({ interrupts }) => interrupts.length > 0));

/** "error" where a task has failed, "interrupted" where something is left to do, else "idle". */
function statusOf(state: Left): SettledStatus {
  if (state?.tasks.some(({ error }) => error != null)) return "error";
  return isWaiting(state) ? "interrupted" : "idle";
}

/**
 * Changes a thread's state under its lease, with the thread as who holds it writes to it, and sets the status to what the state says then. Changes of one thread come one
 * after the other. Throws `state-locked` when the thread has a run, `thread-not-found` when it was deleted meanwhile.
 */
export async function changeState<T>(
  deps: AgentDeps,
  access: ThreadAccess,
  thread: Thread,
  change: (held: Thread) => Promise<T>,
): Promise<T> {
  const { threads, clock, leasePolicy } = deps;
  const { id, owner } = thread;
  const holder = newId("edit");
  const until = performance.now() + WAIT_MS;
  let lease = await threads.hold(id, owner, holder);
  while (lease === "busy") {
    const found = await threads.get(id, owner);
    if (found?.inflight.length || performance.now() > until)
      throw new TenureError({ tag: "state-locked", threadId: id });
    await pause(PAUSE_MS);
    lease = await threads.hold(id, owner, holder);
  }
  if (!lease) throw new TenureError({ tag: "thread-not-found", threadId: id });
  const hold = new Hold(lease, clock, leasePolicy);
  let state: Told | undefined;
  try {
    const { incarnation, fence } = lease;
    const held = { ...thread, incarnation: { ...incarnation, fence } };
    const changed = await underGuard(hold.guard, () => change(held));
    await hold.drained();
    state = await stateNow(access, thread);
    return changed;
  } finally {
    await hold.drained();
    await threads.free(lease, state);
  }
}

/** The part of a thread's record that is derived from its state. */
interface Told {
  status: SettledStatus;
  projection?: Projection | undefined;
}

/** A state that cannot be read is shown as an error, too. */
async function stateNow(access: ThreadAccess, thread: Thread): Promise<Told> {
  try {
    const state = await access.shownState(thread);
    const isKnown = state?.createdAt !== undefined;
    return { status: statusOf(state), ...(isKnown && { projection: projectionOf(state.values) }) };
  } catch (error) {
    if (isTenureError(error, "store-unavailable")) throw error;
    return { status: "error" };
  }
}

/** Turns LangGraph's refusal of a change into `invalid-input`: an unknown node, say. */
export function asInvalid(error: unknown): never {
  if (isTenureError(error)) throw error;
  throw new TenureError(
    { tag: "invalid-input", issues: [errorJson(error).message.split("\n")[0] ?? ""] },
    { cause: error },
  );
}
