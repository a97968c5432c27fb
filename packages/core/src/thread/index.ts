/** Thread records, their owners, and the lease that makes a run the only writer of its thread. */
export { createThreadStore } from "./dynamo.ts";
export {
  defaultLeasePolicy,
  type Lease,
  type LeasePolicy,
  type SettledStatus,
  type Thread,
  type ThreadStatus,
} from "./policy.ts";
export type { ThreadStore } from "./store.ts";
