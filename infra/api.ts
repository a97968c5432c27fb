/** The two functions behind /api: one that starts small and serves logins, and one that runs graphs. */
import { mail } from "./email";
import { AGENT_MEMORY, agentLinks, common, modelEnvironment } from "./function";
import { AUTH_PATHS, handlers } from "./parts";
import { queue } from "./queue";
import { generation, pepper, redis } from "./secret";
import { wholeNumber } from "./setting";
import { table } from "./storage";
import { router } from "./web";

/** CloudFront gives up on an origin that is silent for so long; a stream says something every five seconds. */
const READ_TIMEOUT = "60 seconds";

/**
 * Executions that are for logins alone, however many runs there are: `TENURE_AUTH_CONCURRENCY`. AWS takes them from the account's
 * quota and leaves at least 100 to the others, so that an account with ten cannot reserve any.
 */
const reserved = wholeNumber("TENURE_AUTH_CONCURRENCY", 1, 100_000);

export const auth = new sst.aws.Function("Auth", {
  ...common,
  handler: handlers.auth,
  description: "Login, sessions, activity",
  timeout: "20 seconds",
  memory: "512 MB",
  streaming: true,
  ...(reserved !== undefined && { concurrency: { reserved } }),
  link: [table, mail, pepper, generation, ...redis],
  // Nothing in it goes by the names of classes, as LangChain does.
  nodejs: { ...common.nodejs, esbuild: { ...common.nodejs.esbuild, keepNames: false } },
  url: { cors: false },
});

export const api = new sst.aws.Function("Api", {
  ...common,
  handler: handlers.api,
  description: "Threads, runs, assistants, memory",
  timeout: "15 minutes",
  memory: AGENT_MEMORY,
  streaming: true,
  link: [table, queue, pepper, generation, ...redis, ...agentLinks],
  environment: { ...common.environment, ...modelEnvironment },
  url: { cors: false },
});

router.route("/api", api.url, { readTimeout: READ_TIMEOUT });
for (const path of AUTH_PATHS) router.route(`/api${path}`, auth.url, { readTimeout: "20 seconds" });
