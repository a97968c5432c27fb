/**
 * The work queue as an SQS FIFO queue. A thread is a group, so that one thread with many runs takes one worker and not all of them.
 * A thread that a sweep has found is a group of its own: a worker that dies leaves its message in flight, which holds back the rest
 * of its group until the queue's visibility timeout is over. The lease, and not the queue, keeps a thread from having two writers:
 * see docs/decisions/015-fifo-by-thread.md. Source:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
import { newId } from "@tenure/core/token";
import { object, string, type z } from "zod";
import type { WorkQueue } from "../agent/runs/schedule/work-queue.ts";
import { sendToAws } from "./aws.ts";

const message = object({ threadId: string().min(1) });
type Message = z.infer<typeof message>;

/** The delay after a first failure, and the factor for each further one: 5 s, 20 s, 80 s, about 5 minutes. */
const RETRY_SECONDS = 5;
const RETRY_FACTOR = 4;
const MAX_RETRY_SECONDS = 15 * 60;

export interface SqsWorkQueue extends WorkQueue {
  /** Gives a message back that could not be worked on, to be delivered again soon, and less soon each time. */
  giveBack(message: { receiptHandle: string; receives: number }): Promise<void>;
}

export function sqsWorkQueue({ region, url }: { region: string; url: string }): SqsWorkQueue {
  const call = (action: string, input: object) =>
    sendToAws({
      service: "sqs",
      region,
      url: new URL("/", url).href,
      headers: { "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": `AmazonSQS.${action}` },
      body: { QueueUrl: url, ...input },
    });
  const send = (threadId: string, MessageGroupId: string, MessageDeduplicationId: string) =>
    call("SendMessage", {
      MessageBody: JSON.stringify({ threadId } satisfies Message),
      MessageGroupId,
      MessageDeduplicationId,
    });
  return {
    // Each is wanted: the thread may have come to something new since the last one.
    send: (threadId) => send(threadId, threadId, newId("message")),
    sendFound(threadId, sweep) {
      const found = `sweep.${threadId}.${sweep}`;
      return send(threadId, found, found);
    },
    giveBack: ({ receiptHandle, receives }) =>
      call("ChangeMessageVisibility", {
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: Math.min(MAX_RETRY_SECONDS, RETRY_SECONDS * RETRY_FACTOR ** (Math.max(1, receives) - 1)),
      }),
  };
}

export const threadOf = (body: string): string => message.parse(JSON.parse(body)).threadId;
