/** Faults of who may do what with a run. */

import { elapsed } from "@tenure/core/clock";
import { TenureError } from "@tenure/core/errors";
import type { Lease } from "@tenure/core/thread";
import { Hold } from "@tenure/functions/runs/lease";
import { type KnownBad, saver, stored, tableOf, threads } from "./wrap.ts";

export const runFaults: KnownBad[] = [
  {
    name: "a takeover does not ask which answers were used",
    seed: 529,
    patches: saver((own) => {
      const asked = own.progressOf.bind(own);
      own.progressOf = async (...args) => ({ ...(await asked(...args)), writes: [] });
    }),
  },
  {
    name: "a takeover does not ask whether the input was used",
    seed: 17,
    patches: saver((own) => {
      const asked = own.progressOf.bind(own);
      own.progressOf = async (...args) => {
        const progress = await asked(...args);
        return { ...progress, checkpoint: undefined };
      };
    }),
  },
  {
    name: "a takeover walks through a breakpoint",
    seed: 17,
    patches: saver((own) => {
      const asked = own.progressOf.bind(own);
      own.progressOf = async (...args) => {
        const progress = await asked(...args);
        const { checkpoint } = progress;
        if (!checkpoint) return progress;
        const { channel_versions, versions_seen } = checkpoint.checkpoint;
        const seen = { ...versions_seen, __interrupt__: { ...channel_versions } };
        return {
          ...progress,
          checkpoint: { ...checkpoint, checkpoint: { ...checkpoint.checkpoint, versions_seen: seen } },
        };
      };
    }),
  },
  {
    name: "a change of the state takes no lease",
    seed: 25,
    patches: threads(({ threads: own }) => ({
      hold: async (id, owner) => {
        const thread = await own.get(id, owner);
        const lease = {
          id: "",
          threadId: id,
          runId: "",
          holder: "",
          fence: 0,
          expiresAt: Number.MAX_SAFE_INTEGER,
          since: 0,
        };
        return thread && { ...lease, since: performance.now(), incarnation: thread.incarnation };
      },
      free: async () => {},
    })),
  },
  {
    name: "a run without a thread that is given back is deleted",
    seed: 837,
    patches: threads(({ threads: own }) => ({
      release: async (lease) => {
        await own.release(lease);
        const run = await own.run(lease.threadId, lease.runId);
        if (run?.request.on_completion !== "delete") return;
        await own.close(lease.threadId, run.owner);
        await own.erase(lease.threadId, run.owner);
      },
    })),
  },
  {
    name: "a message that is sent again ends the runs that came after it",
    seed: 214,
    patches: threads(({ threads: own }) => ({
      admit: async (run, options) => {
        const admitted = await own.admit(run, options);
        if (admitted !== "admitted" || !options.ends) return admitted;
        for (const other of (await own.get(run.threadId, run.owner))?.inflight ?? [])
          if (other === run.id) break;
          else await own.cancel(run.threadId, other, options.ends);
        return admitted;
      },
    })),
  },
  {
    name: "a process that was told to stop begins runs",
    seed: 621,
    patches: {
      runner: (runner) => {
        const yieldAll = runner.yieldAll.bind(runner);
        runner.yieldAll = () => {
          const yielded = yieldAll();
          runner.resume();
          return yielded;
        };
        return runner;
      },
    },
  },
  {
    name: "a refusal deletes the record of the same run that was admitted",
    seed: 718,
    patches: threads(({ threads: own }) => ({
      admit: async (run, options) => {
        const admitted = await own.admit(run, options);
        if (admitted !== "busy") return admitted;
        // As a slow request does.
        await new Promise((resolve) => setTimeout(resolve, 2000));
        await own.removeRun(run.threadId, run.id);
        return admitted;
      },
    })),
  },
  {
    name: "a lease that has lapsed is renewed",
    weather: { weights: { freezes: 1, "freezes-after": 1 }, perThousand: 100, disruptions: 6 },
    patches: {
      ...threads(({ threads: own, clock }) => ({
        renew: (lease) => own.renew({ ...lease, since: elapsed(clock) }),
      })),
      install: () => {
        const { isLate, renew } = Object.getOwnPropertyDescriptors(Hold.prototype);
        Object.defineProperties(Hold.prototype, {
          isLate: {
            ...isLate,
            get(this: Hold) {
              return this.left === 0;
            },
          },
          renew: {
            ...renew,
            value(this: Hold, lease: Lease) {
              this.lease = lease;
            },
          },
        });
        return () => void Object.defineProperties(Hold.prototype, { isLate, renew } as PropertyDescriptorMap);
      },
    },
  },
  {
    name: "a cancel of a run that waits makes its thread idle",
    seed: 12,
    patches: threads((deps) => ({
      cancel: async (threadId, runId, action) => {
        const done = await deps.threads.cancel(threadId, runId, action);
        const key = { pk: `thread#${threadId}`, sk: "thread" };
        const idle = {
          expression: "SET #status = :idle",
          condition: "attribute_not_exists(leaseId) AND #status = :interrupted",
          names: { "#status": "status" },
          values: { ":idle": "idle", ":interrupted": "interrupted" },
        };
        if (done === "ended") await tableOf(deps).update(key, idle);
        return done;
      },
    })),
  },
  {
    name: "a lease lapses by the judge's clock, whatever the holder's says",
    seed: 228,
    patches: {
      ...threads((deps) => ({
        begin: async (threadId, holder) => {
          const { leaseId, leaseExpiresAt } = await stored(deps, threadId);
          if (typeof leaseExpiresAt === "number" && leaseExpiresAt <= deps.clock.now())
            await tableOf(deps).update(
              { pk: `thread#${threadId}`, sk: "thread" },
              {
                expression: "REMOVE leaseId, leaseHolder, leaseExpiresAt",
                ...{ condition: "leaseId = :id", names: {}, values: { ":id": leaseId } },
              },
            );
          return deps.threads.begin(threadId, holder);
        },
      })),
    },
  },
  {
    name: "a lease lasts for as long as the holder's clock says",
    seed: 526,
    patches: threads((deps) => ({
      begin: async (threadId, holder) => {
        const { leaseExpiresAt } = await stored(deps, threadId);
        if (typeof leaseExpiresAt === "number" && leaseExpiresAt > deps.clock.now()) return { retryAt: leaseExpiresAt };
        return deps.threads.begin(threadId, holder);
      },
    })),
  },
  {
    name: "what was admitted is said not to have been",
    seed: 2,
    patches: threads(({ threads: own }) => ({
      admit: async (run, options) => {
        const admitted = await own.admit(run, options);
        const inflight = (await own.get(run.threadId, run.owner))?.inflight ?? [];
        if (admitted === "admitted" && inflight.length > 2)
          throw new TenureError({ tag: "store-unavailable", store: "dynamodb", outcome: "not-applied" });
        return admitted;
      },
    })),
  },
  {
    name: "a run that waits and is cancelled stays in the line",
    seed: 11,
    patches: threads(({ threads: own }) => ({
      cancel: async (threadId, runId, action) => {
        const run = await own.run(threadId, runId);
        return run?.status === "pending" && run.attempt === 0 ? "ended" : own.cancel(threadId, runId, action);
      },
    })),
  },
];
