/** The API without a server in front of it, on stores that a test chooses. */
import { createApi } from "@tenure/functions/api";
import { createDeps, type Deps, type ServiceConfig } from "@tenure/functions/deps";
import { Runner } from "@tenure/functions/runs/runner";

export const PEPPER = "a pepper of more than thirty-two characters";
export const SITE = "http://localhost";

export interface TestApi {
  deps: Deps;
  /** The code that was last sent, to whomever. */
  sent: () => string;
  request(method: string, path: string, options?: { headers?: HeadersInit; body?: unknown }): Promise<Response>;
  close(): Promise<void>;
}

export async function openApi(
  config: Pick<ServiceConfig, "redis" | "dynamo"> & Partial<ServiceConfig>,
): Promise<TestApi> {
  let code = "";
  const deps = await createDeps({
    tableName: "tenure",
    pepper: PEPPER,
    addressOf: () => "192.0.2.1",
    mailer: {
      async sendCode(mail) {
        code = mail.code;
      },
    },
    ...config,
  });
  const runner = new Runner(deps);
  const api = createApi(deps, runner);
  return {
    deps,
    sent: () => code,
    request: async (method, path, { headers, body } = {}) =>
      api.request(`${SITE}/api${path}`, {
        method,
        ...(headers && { headers }),
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    async close() {
      await runner.stop();
      deps.close();
    },
  };
}
