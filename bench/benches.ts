/** The benches, for `npm run bench`: what each measures, what it needs, and about how long it takes on two idle cores. */
import { readFileSync } from "node:fs";

export type Need = "redis-server" | "DynamoDB Local" | "LangGraph's server" | "SST's platform";
/** Addresses and folders of what is there. */
export type Found = Partial<Record<Need, string>>;

export interface Bench {
  measures: string;
  /** Needs without which the bench does not run. */
  needs?: Need[];
  /** Needs with which the bench measures more, or beside more. */
  takes?: Need[];
  minutes: number;
  /** The project's own script, where bench/package.json has none. */
  isOfRoot?: boolean;
}

/** The option by which a bench is told of what is there. */
const OPTIONS: Partial<Record<Need, string>> = {
  "redis-server": "--redis",
  "DynamoDB Local": "--dynamodb",
  "LangGraph's server": "--reference",
};

/** Benches that start what they need themselves, and take no address of it. */
const ALONE = new Set(["sessions", "bench:strict", "lambda"]);

export function optionsOf(name: string, { needs = [], takes = [] }: Bench, found: Found): string[] {
  if (ALONE.has(name)) return [];
  return [...needs, ...takes].flatMap((need) => {
    const option = name === "kills" && need === "DynamoDB Local" ? "--endpoint" : OPTIONS[need];
    const value = found[need];
    return option && value ? [option, value] : [];
  });
}

/** By name, as benches.json has them. */
export const benches = JSON.parse(readFileSync(new URL("benches.json", import.meta.url), "utf8")) as Record<
  string,
  Bench
>;
