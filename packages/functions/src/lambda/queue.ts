/**
 * Runs by SQS FIFO: a thread is a group, so that its runs come one after the other. Source:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
import { newId } from "@tenure/core/token";
import { object, string, type z } from "zod";
import type { RunQueue } from "../runs/queue.ts";
import { sendToAws } from "./aws.ts";

const message = object({ threadId: string().min(1) });
type Message = z.infer<typeof message>;

export function sqsQueue({ region, url }: { region: string; url: string }): RunQueue {
  return {
    send: (threadId) =>
      sendToAws({
        service: "sqs",
        region,
        url: new URL("/", url).href,
        headers: { "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessage" },
        body: {
          QueueUrl: url,
          MessageBody: JSON.stringify({ threadId } satisfies Message),
          MessageGroupId: threadId,
          // Each is wanted: the thread may have come to something new since the last one.
          MessageDeduplicationId: newId("message"),
        },
      }),
  };
}

export const threadOf = (body: string): string => message.parse(JSON.parse(body)).threadId;
