/**
 * All that the deployment takes of the code: the names that both must know, the functions, and the site. The other files of this folder
 * import nothing outside it, so that a project of somebody's own has the same files beside another one of these.
 */
export { tableDefinition } from "../packages/core/src/dynamo/definition";
export { keyedHandle } from "../packages/core/src/token";
export { AUTH_PATHS } from "../packages/functions/src/account/paths";
export { METRIC_NAMESPACE, type Metric } from "../packages/functions/src/http/operator/metrics";
export { siteHeaders } from "../packages/functions/src/http/security-headers";
export { readSettings, SETTING_NAMES } from "../packages/functions/src/http/settings";

/** The entry points, as SST names them: a file from the project's root, and its export. */
export const handlers = {
  auth: "packages/functions/src/lambda/auth.handler",
  api: "packages/functions/src/lambda/api.handler",
  worker: "packages/functions/src/lambda/worker.handler",
};

interface Site {
  path: string;
  /** How it is built; left out for one that is built already. */
  build?: { command: string; output: string };
  /** The command that serves it at a port under `sst dev`; without one the stage's router has it there too. */
  dev?: (port: number) => string;
}

export const site: Site = {
  path: "packages/web",
  build: { command: "npx vite build --logLevel warn", output: "dist/site" },
  dev: (port) => `npx vite --port ${port} --strictPort`,
};
