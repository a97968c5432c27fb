import { defineConfig } from "vitest/config";

// "import" and "default" are implied. Naming "import" here would reach `require` in packages that have both.
const conditions = ["@tenure/source", "node"];

/** Tests run against the sources, of the other packages too, so that what is tested is never a stale build. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: "test/setup.ts",
    reporters: ["default", "./test/closing-line.ts"],
    // LangChain's validation suite expects the runner's functions to be global.
    globals: true,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
  },
});
