/** Runs that nobody watches: a FIFO queue whose groups are the threads, and the worker that takes them from it. */
import { common, modelEnvironment } from "./function";
import "./permission";
import { pepper, redis } from "./secret";
import { table } from "./storage";

/** A message comes back when its worker has not said that it is done: never while it may still be at work. */
const TIMEOUT = "15 minutes";
const VISIBILITY = "20 minutes";
const TRIES = 3;

export const deadLetters = new sst.aws.Queue("RunDeadLetters", { fifo: true });

export const queue = new sst.aws.Queue("RunQueue", {
  fifo: true,
  visibilityTimeout: VISIBILITY,
  dlq: { queue: deadLetters.arn, retry: TRIES },
});

export const worker = new sst.aws.Function("Worker", {
  ...common,
  handler: "packages/functions/src/lambda/worker.handler",
  description: "Runs what nobody watches",
  timeout: TIMEOUT,
  memory: "1024 MB",
  link: [table, queue, pepper, ...redis],
  environment: { ...common.environment, ...modelEnvironment },
  permissions: [
    {
      actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"],
      resources: [queue.arn],
    },
  ],
});

queue.subscribe(worker.arn, { batch: { size: 1, partialResponses: true } });

/** Finds runs that were not queued, whose time has come, or whose process has died. */
new sst.aws.CronV2("Sweep", { schedule: "rate(1 minute)", function: worker.arn, event: { sweep: true }, retries: 0 });
