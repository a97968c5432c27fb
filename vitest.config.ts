import { defineConfig } from "vitest/config";
import { HANG_MS, LONG_FORMS, WAIT_MS } from "./test/support/runner/size.ts";

// "import" and "default" are implied. Naming "import" here would reach `require` in packages that have both.
const conditions = ["@tenure/source", "node"];

/**
 * Tests run against the sources, of the other packages too, so that what is tested is never a stale build. With
 * `--mode long` the tests that have a long form run in that form, and no others.
 */
export default defineConfig(({ mode }) => ({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: mode === "long" ? LONG_FORMS : ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
    env: {
      TENURE_TEST_FORM: mode === "long" ? "long" : "short",
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    },
    globalSetup: "test/support/runner/engines.ts",
    setupFiles: "test/support/runner/quiet.ts",
    reporters: [["default", { summary: false }], "./test/support/runner/closing-lines.ts"],
    // A line for each file; what passes prints nothing, and what fails all that was printed meanwhile.
    slowTestThreshold: Number.POSITIVE_INFINITY,
    silent: "passed-only",
    // LangChain's validation suite expects the runner's functions to be global.
    globals: true,
    // Tests wait for one another's processes more than they compute.
    maxWorkers: 2,
    testTimeout: HANG_MS,
    hookTimeout: HANG_MS,
    expect: { poll: { timeout: WAIT_MS, interval: 20 } },
  },
}));
