/** Everything that the whole API stands on, built once per process from one configuration. */
import { type AccountConfig, type AccountDeps, createAccountDeps } from "./account/deps.ts";
import { type AgentConfig, type AgentDeps, createAgentDeps } from "./agent/deps.ts";
import { connectStores, createHttpDeps } from "./http/deps.ts";

export type ServiceConfig = AccountConfig & AgentConfig;
export type Deps = AccountDeps & AgentDeps;

/** `stores`: what is connected already, in place of what the configuration leads to. */
export async function createDeps(config: ServiceConfig, stores = connectStores(config)): Promise<Deps> {
  const http = createHttpDeps(config, stores);
  return { ...createAccountDeps(config, stores, http), ...(await createAgentDeps(config, stores, http)) };
}
