/** Everything that is kept of a user, and its deletion. */
import type { Deps } from "./deps.ts";
import { accountOf } from "./identity.ts";
import type { Runner } from "./runs/runner.ts";
import { deleteThread } from "./threads.ts";

/** The index of an owner's things may be some moments behind: it is asked again until it has nothing to say. */
const EMPTY_LOOKS = 2;
const PAUSE_MS = 250;

/**
 * Ends all sessions, at once, and then deletes what the user has: threads with their runs and state, assistants, memory,
 * activity, and the user last. Each step may be repeated: when it is cut short, the user logs in, is still who they were,
 * and asks again.
 */
export async function deleteAccount(
  deps: Deps,
  runner: Runner,
  { userId, email, handle }: { userId: string; email: string; handle: string },
): Promise<void> {
  await deps.sessions.revokeAll(handle);
  for (let empty = 0; empty < EMPTY_LOOKS; ) {
    let found = 0;
    for await (const thread of deps.threads.list(userId)) {
      await deleteThread(deps, runner, thread);
      found += 1;
    }
    for await (const { id } of deps.assistants.list(userId)) {
      await deps.assistants.remove(id, userId);
      found += 1;
    }
    empty = found === 0 ? empty + 1 : 0;
    if (empty < EMPTY_LOOKS) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  await deps.storeOf(userId).deleteAll();
  await deps.activity.settle(PAUSE_MS);
  await deps.activityLog.removeAll(accountOf(deps.pepper, email));
  await deps.users.remove(email);
}
