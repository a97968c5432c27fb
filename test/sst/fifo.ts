/**
 * An SQS FIFO queue in memory, as far as its delivery goes. A message that was received is in flight until it is deleted or its
 * visibility timeout is over, and holds back the rest of its group until then. One that was received too often is put aside when
 * it would be received once more. The time is the test's. Sources:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html,
 * …/using-messagegroupid-property.html, …/sqs-visibility-timeout.html and …/sqs-dead-letter-queues.html
 */
import { randomUUID } from "node:crypto";
import type { Clock } from "@tenure/core/clock";

export interface FifoSettings {
  visibilityTimeoutSeconds: number;
  maxReceiveCount: number;
}

export interface Received {
  id: string;
  group: string;
  body: string;
  receiptHandle: string;
  /** The number of times that it was received, this time included. */
  receives: number;
}

interface Message {
  id: string;
  group: string;
  body: string;
  receives: number;
  receiptHandle: string | undefined;
  /** In flight until then. */
  visibleAt: number;
}

const DEDUPLICATION_MS = 5 * 60 * 1000;
const MAX_VISIBILITY_SECONDS = 12 * 60 * 60;
/** The form of group and deduplication ids: letters, digits and punctuation of ASCII. */
const ID = /^[!-~]{1,128}$/;

export class FifoQueue {
  /** Bodies of messages that were received as often as the queue allows. */
  readonly deadLetters: string[] = [];
  private messages: Message[] = [];
  private readonly sentAt = new Map<string, { id: string; at: number }>();
  private readonly settings: FifoSettings;
  private readonly clock: Clock;

  constructor(settings: FifoSettings, clock: Clock) {
    this.settings = settings;
    this.clock = clock;
  }

  /** Returns the message's id: of the one that was sent before, when its deduplication id was used within five minutes. */
  send({ group, deduplicationId, body }: { group: string; deduplicationId: string; body: string }): string {
    if (!ID.test(group) || !ID.test(deduplicationId)) throw new Error("InvalidParameterValue");
    const now = this.clock.now();
    const before = this.sentAt.get(deduplicationId);
    if (before && now - before.at < DEDUPLICATION_MS) return before.id;
    const id = randomUUID();
    this.sentAt.set(deduplicationId, { id, at: now });
    this.messages.push({ id, group, body, receives: 0, receiptHandle: undefined, visibleAt: 0 });
    return id;
  }

  /** The first message whose group is free; it is in flight from now on. */
  receive(): Received | undefined {
    const now = this.clock.now();
    const held = new Set<string>();
    for (const message of this.messages) {
      if (held.has(message.group)) continue;
      if (message.visibleAt > now) held.add(message.group);
      else if (message.receives >= this.settings.maxReceiveCount) this.putAside(message);
      else {
        message.receives += 1;
        message.receiptHandle = randomUUID();
        message.visibleAt = now + this.settings.visibilityTimeoutSeconds * 1000;
        const { id, group, body, receiptHandle, receives } = message;
        return { id, group, body, receiptHandle, receives };
      }
    }
    return undefined;
  }

  private putAside(message: Message): void {
    this.messages = this.messages.filter((one) => one !== message);
    this.deadLetters.push(message.body);
  }

  /** Takes a message out. Throws when its receipt is no longer the last one, or has lapsed. */
  delete(receiptHandle: string): void {
    const message = this.inFlight(receiptHandle);
    this.messages = this.messages.filter((one) => one !== message);
  }

  /** The message is in flight for so long from now on; throws as `delete` does. */
  changeVisibility(receiptHandle: string, seconds: number): void {
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > MAX_VISIBILITY_SECONDS)
      throw new Error("InvalidParameterValue");
    this.inFlight(receiptHandle).visibleAt = this.clock.now() + seconds * 1000;
  }

  private inFlight(receiptHandle: string): Message {
    const message = this.messages.find((one) => one.receiptHandle === receiptHandle);
    if (!message || message.visibleAt <= this.clock.now()) throw new Error("MessageNotInflight");
    return message;
  }

  /** The numbers of messages in flight and of those that wait. */
  get depth(): { inFlight: number; waiting: number } {
    const inFlight = this.messages.filter(({ visibleAt }) => visibleAt > this.clock.now()).length;
    return { inFlight, waiting: this.messages.length - inFlight };
  }
}
