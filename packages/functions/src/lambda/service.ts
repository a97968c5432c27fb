/** What the functions that run graphs stand on, built once per process. */
import type { Deps } from "../deps.ts";
import { createDeps } from "../deps.ts";
import type { Mailer } from "../mailer.ts";
import { Runner } from "../runs/runner.ts";
import { type FunctionConfig, queue, readConfig } from "./config.ts";
import { counted, createMeter } from "./metrics.ts";
import { sqsQueue } from "./queue.ts";
import { settle } from "./settle.ts";

export interface Service {
  config: FunctionConfig;
  deps: Deps;
  runner: Runner;
  /** Waits for runs and for what is put on record. */
  settled(): Promise<void>;
}

/** Codes are sent by the function that serves logins. */
const noMailer: Mailer = {
  sendCode: () => Promise.reject(new Error("this function sends no mail")),
};

export async function createService(name: string): Promise<Service> {
  const config = readConfig(queue);
  const meter = createMeter(name);
  const deps = counted(await createDeps({ ...config, mailer: noMailer, count: meter.count }));
  const runner = new Runner(deps, { queue: sqsQueue({ region: config.region, ...config.linked.RunQueue }) });
  return {
    config,
    deps,
    runner,
    async settled() {
      await runner.idle();
      await settle(deps, meter);
    },
  };
}
