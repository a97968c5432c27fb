/** Checks of alarms and dashboard, and that the documents name them, their price and the rights of deploying. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { COUNTED, type Metric, namesIn, strange } from "../metrics.ts";
import { all, type Checks, FUNCTIONS, only } from "./stage.ts";

/** IAM's names of services whose resources go by another one. */
const IAM_PREFIX: Record<string, string> = { sesv2: "ses" };

export const watchChecks: Checks = {
  "whoever is awake is told"(program, { isShared }) {
    const alarms = all(program, "cloudwatch/metricAlarm:MetricAlarm").map(({ name }) => name.replace(/Alarm$/, ""));
    const wanted = [
      ...FUNCTIONS.flatMap((name) => [`${name}Errors`, `${name}Throttles`, `${name}StoreRefusals`]),
      "AuthMailRefusals",
      ...["AuthFaults", "ApiFaults", "AuthSlow", "CodeSpike", "DeadLetters", "QueueAge", "BounceRate", "ComplaintRate"],
      ...["DynamoReadThrottles", "DynamoWriteThrottles", "IndexReadThrottles", "IndexWriteThrottles"],
    ];
    expect(alarms.toSorted()).toEqual(isShared ? wanted.toSorted() : []);
    expect(all(program, "cloudwatch/dashboard:Dashboard")).toHaveLength(isShared ? 1 : 0);
    const manual = readFileSync("docs/operations.md", "utf8");
    for (const name of alarms) expect(manual).toMatch(new RegExp(`^#+ ${name}$`, "m"));
    const topic = isShared ? only(program, "sns/topic:Topic", "Alarms") : undefined;
    for (const { inputs } of all(program, "cloudwatch/metricAlarm:MetricAlarm"))
      expect(inputs.alarmActions).toEqual([expect.stringContaining(topic?.name ?? "")]);
  },

  "what is watched is what is told"(program, stage) {
    const named = namesIn(program);
    const alarms = all(program, "cloudwatch/metricAlarm:MetricAlarm").map(({ inputs }) => inputs as Metric);
    const dashboards = all(program, "cloudwatch/dashboard:Dashboard");
    const graphs = dashboards.flatMap(({ inputs }) =>
      (JSON.parse(inputs.dashboardBody) as { widgets: { properties: { metrics: string[][] } }[] }).widgets.flatMap(
        ({ properties }) => properties.metrics,
      ),
    );
    const shown = graphs.map(([namespace = "", metricName = "", ...rest]): Metric => {
      const dimensions = Array.from({ length: rest.length / 2 }, (_, i) => [rest[2 * i], rest[2 * i + 1]]);
      return { namespace, metricName, dimensions: Object.fromEntries(dimensions) };
    });
    expect([...alarms, ...shown].flatMap((metric) => strange(metric, stage.name, named))).toEqual([]);
  },

  "no alarm rings for one throttle"(program, { isShared }) {
    const throttles = all(program, "cloudwatch/metricAlarm:MetricAlarm").filter(
      ({ inputs }) => inputs.metricName === "Throttles",
    );
    expect(throttles).toHaveLength(isShared ? FUNCTIONS.length : 0);
    for (const { inputs } of throttles) {
      expect(inputs.threshold).toBeGreaterThan(1);
      expect(inputs.datapointsToAlarm).toBeGreaterThan(1);
    }
  },

  "whoever deploys is told which rights that takes"(program) {
    const granted = [...readFileSync("docs/deploy.md", "utf8").matchAll(/"([a-z0-9-]+):[A-Za-z*]+"/g)].map(
      ([, service]) => service,
    );
    const services = program.resources.flatMap(({ type }) => /^aws:(\w+)\//.exec(type)?.[1] ?? []);
    const missing = [...new Set(services)].filter((one) => !granted.includes(IAM_PREFIX[one] ?? one));
    expect(missing).toEqual([]);
  },

  "what CloudWatch costs is told"(program, { isShared }) {
    const prices = readFileSync("docs/deploy.md", "utf8");
    const alarms = all(program, "cloudwatch/metricAlarm:MetricAlarm").length;
    if (isShared) expect(prices).toContain(`| CloudWatch alarms | ${alarms} alarms |`);
    expect(prices).toContain(`| CloudWatch metrics | ${COUNTED} metrics `);
  },
};
