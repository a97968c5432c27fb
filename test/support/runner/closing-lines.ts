/** Tells a failure and a figure at once, and ends a run with how to run what failed and with one plain line that any tool can read. */
import type { TestAnnotation } from "vitest";
import type { Reporter, TestCase, TestModule } from "vitest/node";

export default class ClosingLines implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const { state, errors = [] } = test.result();
    if (state !== "failed") return;
    process.stdout.write(` FAILED ${test.module.relativeModuleId} > ${test.fullName}\n`);
    for (const { message } of errors) process.stdout.write(`   ${message.split("\n", 1)[0]}\n`);
  }

  /** A figure that a test reports of itself. */
  onTestCaseAnnotate(_: TestCase, { message }: TestAnnotation): void {
    process.stdout.write(` ${message}\n`);
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    const again: string[] = [];
    for (const module of modules) {
      const path = module.relativeModuleId;
      const file = `${module.project.name === "long" ? `TENURE_TEST_LONG=${path} ` : ""}npm test -- ${path}`;
      const tests = [...module.children.allTests()];
      for (const test of tests) {
        const { state } = test.result();
        count[state] += 1;
        if (state === "failed") again.push(`${file} -t ${quoted(patternOf(test.fullName))}`);
      }
      // A file that could not be loaded, or a hook that failed, has no test that has.
      if (module.state() === "failed" && !tests.some((test) => test.result().state === "failed")) {
        count.failed += 1;
        again.push(file);
      }
    }
    if (again.length > 0) process.stdout.write(`\nTo run what failed alone:\n`);
    for (const one of again) process.stdout.write(`  ${one}\n`);
    const skipped = count.skipped + count.pending;
    process.stdout.write(`\n${count.passed} passed, ${count.failed} failed, ${skipped} skipped\n`);
  }
}

/** The runner takes a test's name as a regular expression, with its groups before it. */
const patternOf = (fullName: string) => fullName.replaceAll(" > ", " ").replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
