/** SES, and an SQS FIFO queue with its worker behind it. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { LambdaFunction } from "./lambda.ts";
import { listen, readAll, shut } from "./loopback.ts";

export interface Mail {
  to: string;
  from: string;
  text: string;
}

/** SES and SQS, which are called before any function is there. */
export class Services {
  readonly mails: Mail[] = [];
  /** Messages that were delivered as often as the queue allows. */
  readonly deadLetters: string[] = [];
  worker: LambdaFunction | undefined;
  sent = 0;
  private readonly groups = new Map<string, Promise<void>>();
  readonly url: string;
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

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse((await readAll(request)).toString());
    if (!request.headers.authorization?.startsWith("AWS4-HMAC-SHA256 Credential=test/")) {
      response.writeHead(403).end();
    } else if (request.headers["x-amz-target"] === "AmazonSQS.SendMessage") {
      this.sent += 1;
      this.deliver(body.MessageGroupId, body.MessageBody);
      response.writeHead(200).end(JSON.stringify({ MessageId: randomUUID() }));
    } else {
      const { Data: text } = body.Content.Simple.Body.Text;
      this.mails.push({ to: body.Destination.ToAddresses[0], from: body.FromEmailAddress, text });
      response.writeHead(200).end("{}");
    }
  }

  /** In a group one message after the other, each until it is done or was tried three times. */
  private deliver(group: string, body: string): void {
    const before = this.groups.get(group) ?? Promise.resolve();
    this.groups.set(
      group,
      before.then(async () => {
        for (let tries = 0; tries < 3; tries++) {
          const failed = await this.callWorker({ Records: [{ messageId: randomUUID(), body }] }).catch(() => true);
          if (!failed) return;
        }
        this.deadLetters.push(body);
      }),
    );
  }

  /** Resolves when every message that was sent so far is done, or put aside. */
  async delivered(): Promise<void> {
    await Promise.all(this.groups.values());
  }

  /** Resolves to whether it failed. */
  async callWorker(event: object): Promise<boolean> {
    let failed = true;
    await this.worker?.invoke(event, async (request) => {
      const answer = JSON.parse((await readAll(request)).toString()) as { batchItemFailures: unknown[] } | null;
      failed = (answer?.batchItemFailures.length ?? 0) > 0;
    });
    return failed;
  }

  close(): Promise<void> {
    return shut(this.server);
  }
}
