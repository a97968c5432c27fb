/** SES, and an SQS FIFO queue (fifo.ts) with Lambda's event source mapping and the worker behind it. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Clock } from "@tenure/core/clock";
import { FifoQueue, type Received } from "./fifo.ts";
import type { LambdaFunction } from "./lambda.ts";
import { listen, readAll, shut } from "./loopback.ts";
import type { Program } from "./program.ts";

export interface Mail {
  to: string;
  from: string;
  text: string;
  configurationSet: string;
}

/** Calls the worker with a message; resolves to the ids of messages that it did not manage. */
type Worker = (event: object) => Promise<string[]>;

interface Source {
  queue: FifoQueue;
  name: string;
  worker: Worker;
  /** The most messages that are with the worker at once. */
  maximumConcurrency: number;
}

/** SES and SQS, which are called before any function is there. */
export class Services {
  readonly mails: Mail[] = [];
  /** The number of messages that were sent to the queue, those included that it had already. */
  sent = 0;
  readonly url: string;
  private source: Source | undefined;
  private readonly deliveries = new Set<Promise<void>>();
  private readonly server: Server;

  static async start(): Promise<Services> {
    let services: Services | undefined;
    const { url, server } = await listen((request, response) => void services?.serve(request, response));
    services = new Services(url, server);
    return services;
  }

  private constructor(url: string, server: Server) {
    this.url = url;
    this.server = server;
  }

  /** The queue and its event source mapping as the program declares them. */
  declare({ resources }: Program, clock: Clock, worker: LambdaFunction): void {
    const inputsOf = (name: string | RegExp) => resources.find((one) => one.name.match(name))?.inputs;
    const { name, visibilityTimeoutSeconds, redrivePolicy } = inputsOf(/^RunQueueQueue$/);
    const { maxReceiveCount } = JSON.parse(redrivePolicy) as { maxReceiveCount: number };
    const { maximumConcurrency } = inputsOf(/^RunQueueSubscriber.*EventSourceMapping$/).scalingConfig;
    const queue = new FifoQueue({ visibilityTimeoutSeconds, maxReceiveCount }, clock);
    this.source = { queue, name, worker: (event) => callWorker(worker, event), maximumConcurrency };
  }

  /** The queue without a program, for tests of the queue. */
  declareQueue(source: Source): void {
    this.source = source;
  }

  private get declared(): Source {
    if (!this.source) throw new Error("no queue is declared yet");
    return this.source;
  }

  get queue(): FifoQueue {
    return this.declared.queue;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse((await readAll(request)).toString());
    const target = request.headers["x-amz-target"];
    if (!request.headers.authorization?.startsWith("AWS4-HMAC-SHA256 Credential=test/")) {
      response.writeHead(403).end();
    } else if (typeof target === "string") {
      try {
        response.writeHead(200).end(JSON.stringify(this.answerQueue(target, body)));
      } catch (error) {
        response.writeHead(400).end(JSON.stringify({ __type: (error as Error).message }));
      }
    } else {
      const { Data: text } = body.Content.Simple.Body.Text;
      this.mails.push({
        to: body.Destination.ToAddresses[0],
        from: body.FromEmailAddress,
        text,
        configurationSet: body.ConfigurationSetName,
      });
      response.writeHead(200).end("{}");
    }
  }

  private answerQueue(target: string, body: Record<string, string> & { VisibilityTimeout: number }): object {
    const { queue, name } = this.declared;
    if (!body.QueueUrl?.endsWith(`/${name}`)) throw new Error("QueueDoesNotExist");
    switch (target) {
      case "AmazonSQS.SendMessage": {
        this.sent += 1;
        const { MessageGroupId: group = "", MessageDeduplicationId: deduplicationId = "", MessageBody = "" } = body;
        const id = queue.send({ group, deduplicationId, body: MessageBody });
        this.deliver();
        return { MessageId: id };
      }
      case "AmazonSQS.ChangeMessageVisibility":
        queue.changeVisibility(body.ReceiptHandle ?? "", body.VisibilityTimeout);
        return {};
      default:
        throw new Error("InvalidAction");
    }
  }

  /** Gives the worker what can be delivered now. To be called when time has moved. */
  deliver(): void {
    const { queue, maximumConcurrency } = this.declared;
    while (this.deliveries.size < maximumConcurrency) {
      const message = queue.receive();
      if (!message) return;
      const delivery = this.deliverOne(message).finally(() => {
        this.deliveries.delete(delivery);
        this.deliver();
      });
      this.deliveries.add(delivery);
    }
  }

  /** A message that the worker did not manage, or that it died of, stays in flight. */
  private async deliverOne({ id, group, body, receiptHandle, receives }: Received): Promise<void> {
    const { queue, worker } = this.declared;
    const attributes = { ApproximateReceiveCount: String(receives), MessageGroupId: group };
    const failed = await worker({ Records: [{ messageId: id, receiptHandle, body, attributes }] }).catch(() => [id]);
    if (!failed.includes(id)) queue.delete(receiptHandle);
  }

  /** Resolves when the worker has nothing left that can be delivered now. */
  async delivered(): Promise<void> {
    while (this.deliveries.size > 0) await Promise.all(this.deliveries);
  }

  /** As the schedule does each minute; `name` is the time for which it was meant. */
  async sweep(name: string): Promise<void> {
    await this.declared.worker({ sweep: name });
  }

  close(): Promise<void> {
    return shut(this.server);
  }
}

async function callWorker(worker: LambdaFunction, event: object): Promise<string[]> {
  let failed: string[] = [];
  await worker.invoke(event, async (request) => {
    const answer = JSON.parse((await readAll(request)).toString()) as {
      batchItemFailures: { itemIdentifier: string }[];
    } | null;
    failed = (answer?.batchItemFailures ?? []).map(({ itemIdentifier }) => itemIdentifier);
  });
  return failed;
}
