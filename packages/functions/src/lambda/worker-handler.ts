/**
 * The function that runs what nobody watches: one message of the work queue is one thread with something to do. A schedule calls
 * it too, to look for runs that were not queued, whose time has come, or whose process has died.
 *
 * @example
 * import { workerHandler } from "@tenure/functions/lambda/worker";
 * import app from "../src/app.ts";
 *
 * export const handler = await workerHandler(app);
 */
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type { App } from "../app.ts";
import { examine, type Finding } from "../http/operator/doctor.ts";
import { createService } from "./service.ts";
import { threadOf } from "./work-queue.ts";

/** A run that is stopped this long before the deadline has the time to be left to the next invocation. */
const HURRY_MS = 30_000;

/** `sweep` is when it was to be, as the schedule says it. */
type Scheduled = { sweep: string };
/** By whoever may invoke this function, to see how it finds its stores. */
type Examination = { doctor: true };

type Handler = (event: SQSEvent | Scheduled | Examination, context: Context) => Promise<SQSBatchResponse | Finding[]>;

/** `app`: whose graphs are run; those of this package when left out. Throws `misconfigured` as the function starts. */
export async function workerHandler(app?: App): Promise<Handler> {
  const { config, runner, workQueue, deps, finished } = await createService("worker", app);

  /** Gives a message back, to be delivered again soon, and put aside after some times more. */
  async function giveBack({ messageId, receiptHandle, attributes }: SQSRecord): Promise<void> {
    const receives = Number(attributes.ApproximateReceiveCount);
    await workQueue.giveBack({ receiptHandle, receives }).catch((error: unknown) => {
      // The message comes back all the same, once the visibility timeout is over.
      deps.report(JSON.stringify({ level: "warn", event: "run-not-given-back", messageId, error: String(error) }));
    });
  }

  return async (event, context) => {
    if ("doctor" in event) return examine(config);
    runner.resume();
    const left = Math.max(0, context.getRemainingTimeInMillis() - HURRY_MS);
    const hurry = setTimeout(() => void runner.yieldAll().catch(() => {}), left);
    const failed: SQSBatchResponse["batchItemFailures"] = [];
    try {
      if ("sweep" in event) await runner.sweep(event.sweep);
      else
        for (const record of event.Records)
          await runner.kick(threadOf(record.body)).catch(async (error: unknown) => {
            const { messageId } = record;
            deps.report(JSON.stringify({ level: "error", event: "run-not-begun", messageId, error: String(error) }));
            failed.push({ itemIdentifier: messageId });
            await giveBack(record);
          });
      await finished();
    } finally {
      clearTimeout(hurry);
    }
    return { batchItemFailures: failed };
  };
}
