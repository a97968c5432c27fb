/** CloudWatch's namespace of the metrics that this service counts itself. */
export const METRIC_NAMESPACE = "Tenure";

/** The metrics that this service counts, for its operator, by their names. */
export type Metric =
  | "SessionVerbs"
  | "CodeRequests"
  | "Refusals"
  | "Faults"
  | "Runs"
  | "LeaseTakeovers"
  | "Supersteps"
  | "DynamoWriteUnits"
  | "DynamoReadUnits"
  | "DynamoRetries"
  | "StoreRefusals"
  | "MailRefusals";

/** Adds to a metric, 1 when `by` is left out. Never throws and never waits. */
export type Count = (metric: Metric, by?: number) => void;

export const uncounted: Count = () => {};
