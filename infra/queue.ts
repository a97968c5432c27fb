/** Runs that nobody watches: a FIFO queue whose groups are the threads, and the worker that takes them from it. */
import { AGENT_MEMORY, agentLinks, common, modelEnvironment } from "./function";
import { handlers } from "./parts";
import "./permission";
import { generation, pepper, redis } from "./secret";
import { wholeNumber } from "./setting";
import { table } from "./storage";

/** A message comes back when its worker has not said that it is done: never while it may still be at work. */
const TIMEOUT = "15 minutes";
const VISIBILITY = "20 minutes";
const TRIES = 5;
/** SQS' maximum, so that somebody can be away for a week. */
const DEAD_LETTERS_SECONDS = 14 * 24 * 60 * 60;
/**
 * Runs that the worker does at once, `TENURE_WORKER_CONCURRENCY`. Few by default: of the ten executions that a new account
 * has at once, logins and watched runs are to have some. SQS itself takes 2 to 1,000.
 */
const concurrency = wholeNumber("TENURE_WORKER_CONCURRENCY", 2, 1000) ?? 5;

export const deadLetters = new sst.aws.Queue("RunDeadLetters", {
  fifo: true,
  transform: { queue: { messageRetentionSeconds: DEAD_LETTERS_SECONDS } },
});

export const queue = new sst.aws.Queue("RunQueue", {
  fifo: true,
  visibilityTimeout: VISIBILITY,
  dlq: { queue: deadLetters.arn, retry: TRIES },
});

export const worker = new sst.aws.Function("Worker", {
  ...common,
  handler: handlers.worker,
  description: "Runs what nobody watches",
  timeout: TIMEOUT,
  memory: AGENT_MEMORY,
  link: [table, queue, pepper, generation, ...redis, ...agentLinks],
  environment: { ...common.environment, ...modelEnvironment },
  permissions: [
    {
      actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"],
      resources: [queue.arn],
    },
  ],
});

queue.subscribe(worker.arn, {
  batch: { size: 1, partialResponses: true },
  transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: concurrency } } },
});

/**
 * Finds runs that were not queued, whose time has come, or whose process has died. The time tells one sweep from the next:
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
 */
new sst.aws.CronV2("Sweep", {
  schedule: "rate(1 minute)",
  function: worker.arn,
  event: { sweep: "<aws.scheduler.scheduled-time>" },
  retries: 0,
});
