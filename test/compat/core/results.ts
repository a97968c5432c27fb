/** The results of a run of LangGraph's tests, and the reporter that writes them down. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";

export interface Results {
  tests: { name: string; state: "passed" | "failed" | "skipped"; error?: string }[];
  /** Errors outside of tests. */
  faults: string[];
  /** The number of checkpoints that were read twice. */
  reads: number;
  /** Second reads that said something else. */
  differing: string[];
}

/** The part of vitest's reporting that is used: the checkout has a vitest of its own. */
interface TestCase {
  fullName: string;
  result(): { state: string; errors?: readonly { message: string }[] };
}
interface TestModule {
  relativeModuleId: string;
  children: { allTests(): Iterable<TestCase> };
  errors(): readonly { message: string }[];
}

/** A line for each read. A worker appends to it: a process that ends early has told what it saw. */
export const SAME = "same";

export class ResultsReporter {
  private readonly tests: Results["tests"] = [];
  private readonly faults: string[] = [];

  onTestModuleEnd(module: TestModule): void {
    const known = new Map<string, number>();
    const found = [...module.children.allTests()].map((test) => {
      const { state, errors = [] } = test.result();
      const error = errors[0]?.message.split("\n")[0];
      // A name may stand for several tests.
      const nth = (known.get(test.fullName) ?? 0) + 1;
      known.set(test.fullName, nth);
      const name = `${module.relativeModuleId} > ${test.fullName}${nth > 1 ? ` (${nth})` : ""}`;
      return { name, state: state as "passed", ...(error !== undefined && { error }) };
    });
    this.tests.push(...found);
    for (const { message } of module.errors()) this.faults.push(`${module.relativeModuleId}: ${message}`);
    const count = (state: string) => found.filter((one) => one.state === state).length;
    const skipped = count("skipped") > 0 ? `, ${count("skipped")} skipped` : "";
    console.log(`  ${module.relativeModuleId}: ${count("passed")} passed, ${count("failed")} failed${skipped}`);
  }

  onTestRunEnd(_: unknown, errors: readonly { message: string }[]): void {
    this.faults.push(...errors.map(({ message }) => message.split("\n")[0] ?? ""));
    const file = process.env.COMPAT_READS as string;
    const reads = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
    const differing = [...new Set(reads.filter((line) => line !== SAME))];
    const results: Results = { tests: this.tests, faults: this.faults, reads: reads.length, differing };
    writeFileSync(process.env.COMPAT_RESULTS as string, JSON.stringify(results));
  }
}
