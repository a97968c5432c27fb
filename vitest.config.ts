import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { HANG_MS, LONG_FORMS, WAIT_MS } from "./test/support/runner/size.ts";

// "import" and "default" are implied. Naming "import" here would reach `require` in packages that have both.
const conditions = ["@tenure/source", "node"];

const ALL = ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"];
/** Folders and files, parted by spaces, whose tests run in their long form among all others in the short one. */
const long = (process.env.TENURE_TEST_LONG ?? "").split(/\s+/).filter((path) => path !== "");
const longFiles = long.map((path) => (path.endsWith(".ts") ? path : `${path}/**/*.test.ts`));

/**
 * Tests in one form. They run against the sources, of the other packages too, so that what is tested is never a stale build.
 */
const tests = (name: "short" | "long", include: string[], exclude: string[] = []): TestProjectInlineConfiguration => ({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    ...{ name, include, exclude },
    env: { TENURE_TEST_FORM: name, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
    setupFiles: "test/support/runner/quiet.ts",
    // LangChain's validation suite expects the runner's functions to be global.
    globals: true,
    testTimeout: HANG_MS,
    hookTimeout: HANG_MS,
    expect: { poll: { timeout: WAIT_MS, interval: 20 } },
  },
});

/** With `--mode long` the tests that have a long form run in that form, and no others. */
export default defineConfig(({ mode }) => ({
  test: {
    projects:
      mode === "long"
        ? [tests("long", LONG_FORMS)]
        : [tests("short", ALL, longFiles), ...(long.length > 0 ? [tests("long", longFiles)] : [])],
    globalSetup: "test/support/runner/engines.ts",
    reporters: [["default", { summary: false }], "./test/support/runner/closing-lines.ts"],
    // A line for each file; what passes prints nothing, and what fails all that was printed meanwhile.
    slowTestThreshold: Number.POSITIVE_INFINITY,
    silent: "passed-only",
    // Tests wait for one another's processes more than they compute.
    maxWorkers: 2,
  },
}));
