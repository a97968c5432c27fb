/**
 * Configures the checkout's vitest for LangGraph's tests: on the sources of LangGraph, with `@langchain/langgraph-checkpoint` as this
 * project has it, and saver.ts in place of it for all but this project's own code. Both share the checkout's `@langchain/core`.
 */
import { fileURLToPath } from "node:url";
import { ResultsReporter } from "./results.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const SAVER = fileURLToPath(new URL("./saver.ts", import.meta.url));
const CHECKPOINT = `${ROOT}node_modules/@langchain/langgraph-checkpoint/dist/index.js`;
const IN_CHECKOUT = `${process.cwd()}/src/index.ts`;
const conditions = ["input", "@tenure/source", "node", "import", "default"];

interface Context {
  resolve(source: string, importer: string, options: { skipSelf: boolean }): Promise<unknown>;
}

export default {
  plugins: [
    {
      name: "saver",
      enforce: "pre",
      resolveId(this: Context, source: string, importer = "") {
        const isOwn = importer.startsWith(ROOT);
        if (source === "@langchain/langgraph-checkpoint") return isOwn ? CHECKPOINT : SAVER;
        if (isOwn && /^@langchain\/core(\/|$)/.test(source))
          return this.resolve(source, IN_CHECKOUT, { skipSelf: true });
        return null;
      },
    },
  ],
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  cacheDir: process.env.COMPAT_CACHE,
  server: { fs: { strict: false } },
  test: {
    environment: "node",
    globals: true,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    setupFiles: ["./src/tests/setup.node.ts", "./src/tests/matchers/setup.ts", SAVER],
    server: {
      deps: {
        inline: [
          `${ROOT}packages/`,
          `${ROOT}test/`,
          /node_modules\/@langchain\/langgraph-checkpoint\//,
          /\/libs\/[a-z-]+\/src\//,
        ],
        external: [/node_modules\/@(aws-sdk|smithy|aws-crypto)\//],
      },
    },
    reporters: [new ResultsReporter()],
    silent: true,
    maxWorkers: 1,
    fileParallelism: false,
  },
};
