/**
 * A change of a thread's state by something else than a run: it holds the thread's lease, so that no run begins beside it and
 * a deletion waits for it. The status is derived when the lease is given back.
 */
import { type Clock, elapsed } from "../clock.ts";
import type { Lease, LeasePolicy } from "./policy.ts";
import type { ThreadRecord } from "./records.ts";
import { newNonce, type Step } from "./step.ts";
import type { ThreadStore } from "./store.ts";
import type { Watch } from "./watch.ts";

interface Stores {
  clock: Clock;
  policy: LeasePolicy;
  watch: Watch;
  step: Step;
  read: (threadId: string, owner: string) => Promise<ThreadRecord | undefined>;
  stored: (threadId: string) => Promise<ThreadRecord | undefined>;
}

export function editing({ clock, policy, watch, step, read, stored }: Stores): Pick<ThreadStore, "hold" | "free"> {
  return {
    hold(threadId, owner, holder) {
      const id = newNonce();
      return step<Lease | "busy" | undefined>(
        threadId,
        () => read(threadId, owner),
        ({ thread, turns }) => {
          if (thread.owner !== owner) return { result: undefined };
          const [now, since] = [clock.now(), elapsed(clock)];
          const { incarnation } = thread;
          const leaseOf = (fence: number, expiresAt: number) => ({
            ...{ id, threadId, runId: "", holder, fence, expiresAt, since, incarnation },
          });
          if (turns.lease?.id === id) return { result: leaseOf(turns.fence, turns.lease.expiresAt) };
          if (turns.queue.length > 0 || (turns.lease && watch.left(threadId, turns.lease) > 0))
            return { result: "busy" };
          const lease = leaseOf(turns.fence + 1, now + policy.leaseMs);
          const { leasedRun: _, ...rest } = turns;
          return {
            result: lease,
            write: { turns: { ...rest, fence: lease.fence, lease: { id, holder, expiresAt: lease.expiresAt } } },
          };
        },
      );
    },

    async free({ id, threadId, fence, incarnation }, state) {
      const { status, projection } = state ?? {};
      await step(
        threadId,
        () => stored(threadId),
        ({ thread, turns }) => {
          if (turns.lease?.id !== id || thread.incarnation.id !== incarnation.id) return { result: undefined };
          const { lease: _, ...rest } = turns;
          const projected = projection && JSON.stringify({ ...projection, fence });
          return { result: undefined, write: { turns: rest, set: { ...(status && { status }), projected } } };
        },
      );
    },
  };
}
