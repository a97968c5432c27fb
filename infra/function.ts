/** The configuration that all functions have in common. */
import { readSettings, SETTING_NAMES } from "./parts";
import { checkpointKeys, model, modelKey } from "./secret";
import { isOn, setting, wholeNumber } from "./setting";
import { isTraced, logRetention } from "./stage";
import { origin } from "./web";

/**
 * Memory of the functions that run graphs, in MB: `TENURE_AGENT_MEMORY`. Lambda bills the time in which a run waits for its model by it,
 * and gives processor time in proportion. Lambda itself takes 128 to 10,240.
 */
const agentMemory = wholeNumber("TENURE_AGENT_MEMORY", 512, 10_240) ?? 1024;
export const AGENT_MEMORY = `${agentMemory} MB` as const;

const ON_LAMBDA = "lambda.amazonaws.com";
const DEV_MEMORY_MB = 256;

/** Packages of model providers, of which a bundle has the one that is used. */
const providers: Record<string, { packageName: string; className: string; keyName: string }> = {
  openai: { packageName: "@langchain/openai", className: "ChatOpenAI", keyName: "OPENAI_API_KEY" },
  anthropic: { packageName: "@langchain/anthropic", className: "ChatAnthropic", keyName: "ANTHROPIC_API_KEY" },
  "google-genai": {
    packageName: "@langchain/google-genai",
    className: "ChatGoogleGenerativeAI",
    keyName: "GOOGLE_API_KEY",
  },
};
const provider = model === undefined ? undefined : providers[model.split(":")[0] ?? ""];
if (model && !provider)
  throw new Error(
    `TENURE_MODEL=${model}: use one of ${Object.keys(providers).join(", ")}, or add it to infra/function.ts.`,
  );

/** Lifetimes and limits of whoever deploys: a mistake is told here, and not by functions that do not start. */
const { problems } = readSettings(process.env);
if (problems.length > 0) throw new Error(problems.join("\n"));
const settings = Object.fromEntries(
  SETTING_NAMES.flatMap((name) => {
    const value = setting(name);
    return value === undefined ? [] : [[name, value]];
  }),
);

export const common = {
  runtime: "nodejs24.x",
  architecture: "arm64",
  environment: {
    TENURE_ORIGIN: origin,
    TENURE_OPERATORS: setting("TENURE_OPERATORS") ?? "",
    ...settings,
    ...(isOn("TENURE_DEMO") && { TENURE_DEMO: "1" }),
    // Under `sst dev` the log is a terminal, in which codes are looked for.
    ...($dev && { POWERTOOLS_METRICS_DISABLED: "true" }),
  },
  logging: { format: "json", retention: logRetention },
  nodejs: {
    plugins: "infra/esbuild-plugins.mjs",
    minify: true,
    esbuild: {
      // Sources, so that nothing stale is deployed, and ES modules, of which what is not used is left out.
      conditions: ["@tenure/source", "node", "production", "module"],
      mainFields: ["module", "main"],
      // Only the local stack asks `langchain` for a model: lambda/model.ts has the provider's package.
      external: ["langchain"],
      ...(provider && {
        define: {
          TENURE_MODEL_PACKAGE: JSON.stringify(provider.packageName),
          TENURE_MODEL_CLASS: JSON.stringify(provider.className),
        },
      }),
    },
  },
  transform: {
    // SST lets the whole account take on a function's role, which only `sst dev` needs.
    role: (args) => {
      if (!$dev) args.assumeRolePolicy = aws.iam.assumeRolePolicyForPrincipal({ Service: ON_LAMBDA });
    },
    function: (args) => {
      if (isTraced) args.tracingConfig = { mode: "Active" };
      // Under `sst dev` it only hands events on, and waits 16 s for a machine that is off: each minute, for the sweep.
      if ($dev) args.memorySize = DEV_MEMORY_MB;
    },
  },
  ...(isTraced && { policies: ["arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"] }),
} satisfies Partial<sst.aws.FunctionArgs>;

/** For functions that run graphs: the model, and where its package looks for the key. */
export const modelEnvironment = {
  ...(model && { TENURE_MODEL: model }),
  ...(provider && modelKey && { TENURE_MODEL_KEY_NAME: provider.keyName }),
};
/** The key itself goes as the other secrets do: encrypted, and in no configuration that can be read in the console. */
export const agentLinks = [modelKey, checkpointKeys].filter((secret) => secret !== undefined);
