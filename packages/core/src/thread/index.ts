/**
 * Threads, their owners, their runs, and the lease that makes a run the only writer of its thread.
 *
 * @example
 * import { systemClock } from "@tenure/core/clock";
 * import { connectDynamo, Table } from "@tenure/core/dynamo";
 * import { createThreadStore, defaultLeasePolicy } from "@tenure/core/thread";
 *
 * const table = new Table({ client: connectDynamo({}), tableName: "tenure", clock: systemClock });
 * const threads = createThreadStore(table, systemClock, defaultLeasePolicy);
 * const begun = await threads.begin("thread-1", "this process");
 * if (begun && "lease" in begun) await threads.settle(begun.lease, { status: "success", thread: "idle" });
 */
export { createThreadStore } from "./dynamo.ts";
export {
  type CancelAction,
  defaultLeasePolicy,
  type FinalStatus,
  isFinal,
  type Lease,
  type LeasePolicy,
  type Lifetime,
  type LifetimeStrategy,
  type Projection,
  type Run,
  type RunStatus,
  type SettledStatus,
  type Thread,
  type ThreadStatus,
} from "./policy.ts";
export type { Admission, Begun, ErasedRun, Later, NewAdmission, NewRun, ThreadStore } from "./store.ts";
