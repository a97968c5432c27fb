/** Threads, their owners, their runs, and the lease that makes a run the only writer of its thread. */
export { createThreadStore } from "./dynamo.ts";
export {
  type CancelAction,
  defaultLeasePolicy,
  type FinalStatus,
  isFinal,
  type Lease,
  type LeasePolicy,
  type Projection,
  type Run,
  type RunStatus,
  type SettledStatus,
  type Thread,
  type ThreadStatus,
} from "./policy.ts";
export type { Admission, Begun, ErasedRun, Later, NewAdmission, NewRun, ThreadStore } from "./store.ts";
