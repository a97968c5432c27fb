/**
 * The function that runs what nobody watches: one message of the queue is one thread with something to do. A schedule calls
 * it too, to look for runs that were not queued, whose time has come, or whose process has died.
 */
import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { threadOf } from "./queue.ts";
import { createService } from "./service.ts";

/** A run that is stopped this long before the deadline has the time to be left to the next invocation. */
const HURRY_MS = 30_000;

const { runner, deps, settled } = await createService("worker");

export async function handler(event: SQSEvent | { sweep: true }, context: Context): Promise<SQSBatchResponse> {
  const left = Math.max(0, context.getRemainingTimeInMillis() - HURRY_MS);
  const hurry = setTimeout(() => void runner.yieldAll().catch(() => {}), left);
  const failed: SQSBatchResponse["batchItemFailures"] = [];
  try {
    if ("sweep" in event) await runner.sweep();
    else
      for (const { messageId, body } of event.Records)
        await runner.kick(threadOf(body)).catch((error: unknown) => {
          // It is delivered again, and after some times more it is put aside.
          deps.report(JSON.stringify({ level: "error", event: "run-not-begun", messageId, error: String(error) }));
          failed.push({ itemIdentifier: messageId });
        });
    await settled();
  } finally {
    clearTimeout(hurry);
  }
  return { batchItemFailures: failed };
}
