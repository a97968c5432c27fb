/** What all functions have in common. */

import { model, modelKey } from "./secret";
import { isTraced, logRetention } from "./stage";
import { origin } from "./web";

const ON_LAMBDA = "lambda.amazonaws.com";

/** Packages of model providers, of which a function has the one that is used. */
const providers: Record<string, [packageName: string, keyName: string]> = {
  openai: ["@langchain/openai", "OPENAI_API_KEY"],
  anthropic: ["@langchain/anthropic", "ANTHROPIC_API_KEY"],
  "google-genai": ["@langchain/google-genai", "GOOGLE_API_KEY"],
};
const provider = model === undefined ? undefined : providers[model.split(":")[0] ?? ""];
if (model && !provider)
  throw new Error(
    `TENURE_MODEL=${model}: use one of ${Object.keys(providers).join(", ")}, or add it to infra/function.ts.`,
  );

const unused = Object.values(providers).filter((one) => one !== provider);

export const common = {
  runtime: "nodejs24.x",
  architecture: "arm64",
  environment: { TENURE_ORIGIN: origin, TENURE_OPERATORS: process.env.TENURE_OPERATORS ?? "" },
  logging: { format: "json", retention: logRetention },
  nodejs: {
    plugins: "infra/esbuild-plugins.mjs",
    minify: true,
    esbuild: {
      // Sources, so that nothing stale is deployed, and ES modules, of which what is not used is left out.
      conditions: ["@tenure/source", "node", "production", "module"],
      mainFields: ["module", "main"],
      // `langchain` is asked for models, and for nothing else.
      external: [...unused.map(([name]) => name), ...(model ? [] : ["langchain"])],
    },
  },
  transform: {
    // SST lets the whole account take on a function's role, which only `sst dev` needs.
    role: (args) => {
      if (!$dev) args.assumeRolePolicy = aws.iam.assumeRolePolicyForPrincipal({ Service: ON_LAMBDA });
    },
    function: (args) => {
      if (isTraced) args.tracingConfig = { mode: "Active" };
    },
  },
  ...(isTraced && { policies: ["arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"] }),
} satisfies Partial<sst.aws.FunctionArgs>;

/** For functions that run graphs. */
export const modelEnvironment = {
  ...(model && { TENURE_MODEL: model }),
  ...(provider && modelKey && { [provider[1]]: modelKey.value }),
};
