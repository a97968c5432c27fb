/** Counts in CloudWatch's embedded metric format: one line of the log for each invocation, and no request. */
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type { AccountDeps } from "../account/deps.ts";
import { type Count, METRIC_NAMESPACE } from "../http/operator/metrics.ts";

export interface Meter {
  count: Count;
  /** To be called once an invocation is over. */
  publish(): void;
}

/** Each metric has two dimensions, so that neither functions nor the stages of an account add up: `service` and `stage`. */
export function createMeter(serviceName: string, stage: string): Meter {
  const metrics = new Metrics({ namespace: METRIC_NAMESPACE, serviceName, defaultDimensions: { stage } });
  const sums = new Map<string, number>();
  return {
    count: (metric, by = 1) => void sums.set(metric, (sums.get(metric) ?? 0) + by),
    publish() {
      for (const [metric, sum] of sums) metrics.addMetric(metric, MetricUnit.Count, sum);
      sums.clear();
      metrics.publishStoredMetrics();
    },
  };
}

/** Wraps dependencies, with every verb of the session store and every request for a code counted. */
export function counted<D extends AccountDeps>(deps: D): D {
  const { count, sessions, codes } = deps;
  return {
    ...deps,
    sessions: countingCalls(sessions, () => count("SessionVerbs")),
    codes: countingCalls(codes, (verb) => verb === "issue" && count("CodeRequests")),
  };
}

function countingCalls<T extends object>(store: T, onCall: (verb: string) => void): T {
  return new Proxy(store, {
    get(target, verb, receiver) {
      const value: unknown = Reflect.get(target, verb, receiver);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        onCall(String(verb));
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
}
