/** Builds what logins, sessions and activity stand on, without any graph: the function that serves them starts small. */
import { type CodePolicy, type CodeStore, createCodeStore, defaultCodePolicy } from "@tenure/core/otp";
import { keyedHandle } from "@tenure/core/token";
import { connectStores, createHttpDeps, type HttpConfig, type HttpDeps } from "../http/deps.ts";
import type { Mailer } from "./mailer.ts";

export interface AccountConfig extends HttpConfig {
  mailer: Mailer;
  codePolicy?: Partial<CodePolicy> | undefined;
}

export interface AccountDeps extends HttpDeps {
  codes: CodeStore;
  mailer: Mailer;
}

/** `stores` and `http`: what is there already, in place of what the configuration leads to. */
export function createAccountDeps(
  config: AccountConfig,
  stores = connectStores(config),
  http = createHttpDeps(config, stores),
): AccountDeps {
  const { mailer, pepper, generation = "", codePolicy } = config;
  const inKeys = generation && keyedHandle(pepper, "codes", generation).slice(0, 8);
  const policy = { ...defaultCodePolicy, ...codePolicy };
  return { ...http, codes: createCodeStore(stores.redis, policy, { generation: inKeys }), mailer };
}
