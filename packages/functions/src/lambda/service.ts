/** The dependencies of the functions that run graphs, built once per process. */

import type { EncryptionOptions } from "@tenure/core/checkpoint";
import { TenureError } from "@tenure/core/errors";
import type { Mailer } from "../account/mailer.ts";
import { Runner } from "../agent/runs/schedule/runner.ts";
import type { App } from "../app.ts";
import type { Deps } from "../deps.ts";
import { createDeps } from "../deps.ts";
import { keepProcess } from "../graphs/user-code.ts";
import { readKeys } from "../http/settings.ts";
import { type FunctionConfig, agent as linked, provideModelKey, readConfig } from "./config.ts";
import { finish } from "./finish.ts";
import { counted, createMeter } from "./metrics.ts";
import { bundledModel } from "./model.ts";
import { type SqsWorkQueue, sqsWorkQueue } from "./work-queue.ts";

/** An execution environment has few threads at a time, and a gigabyte for all of it. */
const CACHE_BYTES = 32 * 1024 * 1024;

export interface Service {
  config: FunctionConfig;
  deps: Deps;
  runner: Runner;
  workQueue: SqsWorkQueue;
  /** Waits for runs and for what is put on record. */
  finished(): Promise<void>;
}

function checkpointKeys(text: string | undefined): { encryption?: EncryptionOptions | undefined } {
  if (text === undefined) return {};
  const read = readKeys(text);
  if ("problem" in read) throw new TenureError({ tag: "misconfigured", problems: [`CheckpointKeys: ${read.problem}`] });
  return read;
}

/** Codes are sent by the function that serves logins. */
const noMailer: Mailer = {
  sendCode: () => Promise.reject(new Error("this function sends no mail")),
};

export async function createService(name: string, app?: App): Promise<Service> {
  const config = readConfig(linked);
  provideModelKey();
  const encryption = checkpointKeys(config.linked.CheckpointKeys?.value);
  const meter = createMeter(name, config.stage);
  const model = config.model === undefined ? undefined : await bundledModel(config.model);
  const { graphs, schemas, defaults } = app ?? {};
  const own = { graphs, schemas, defaults };
  const made = { ...config, ...encryption, ...own, model, mailer: noMailer, count: meter.count };
  const deps = counted(await createDeps({ ...made, checkpointCacheBytes: CACHE_BYTES }));
  const workQueue = sqsWorkQueue({ region: config.region, ...config.linked.RunQueue });
  const runner = new Runner(deps, { queue: workQueue });
  keepProcess({ report: deps.report, stop: () => runner.yieldAll() }, { instead: true });
  return {
    config,
    deps,
    runner,
    workQueue,
    async finished() {
      await runner.idle();
      await finish(deps, meter);
    },
  };
}
