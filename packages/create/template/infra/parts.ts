/** All that the deployment takes of the code: the names that both must know, the functions, and the site. */
export { tableDefinition } from "@tenure/core/dynamo/definition";
export { keyedHandle } from "@tenure/core/token";
export { METRIC_NAMESPACE, type Metric } from "@tenure/functions/metrics";
export { AUTH_PATHS } from "@tenure/functions/paths";
export { siteHeaders } from "@tenure/functions/security-headers";
export { readSettings, SETTING_NAMES } from "@tenure/functions/settings";

/** The entry points, as SST names them: a file from the project's root, and its export. */
export const handlers = {
  auth: "lambda/auth.handler",
  api: "lambda/api.handler",
  worker: "lambda/worker.handler",
};

interface Site {
  path: string;
  /** How it is built; left out for one that is built already. */
  build?: { command: string; output: string };
  /** The command that serves it at a port under `sst dev`; without one the stage's router has it there too. */
  dev?: (port: number) => string;
}

/** Tenure's own site. A site of yours has its folder here. */
export const site: Site = { path: "node_modules/@tenure/web/dist/site" };
