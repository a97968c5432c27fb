/** How a table's requests are sent: each until it is answered or it is too late. */
import { pauses } from "./again.ts";
import { type DynamoDBDocumentClient, GetCommand, QueryCommand, ScanCommand, sendWithin } from "./client.ts";
import { isConditionFailed, isPassing, outcomeOf } from "./faults.ts";
import { checkGuard } from "./guard.ts";

/** For one request with the client's own retries. A client brought along may have no time limit of its own. */
const REQUEST_DEADLINE_MS = 10_000;
/** The time for which a request is sent again after failures that may pass, in milliseconds. */
const RETRY_MS = 10_000;
/** No timer of a process that runs is as late as this. */
const FROZEN_MS = 2_000;

/** The sending of one table's requests by one client; of all of them it knows which were sent more than once. */
export class Delivery {
  private readonly client: DynamoDBDocumentClient;
  /** Failed conditions of requests that were sent more than once. */
  private readonly repeated = new WeakSet<Error>();

  constructor(client: DynamoDBDocumentClient) {
    this.client = client;
  }

  /**
   * Sends a request until it is answered or it is too late. The client itself may try again and may not: one that
   * was brought along has limits of its own.
   */
  async send(command: unknown): Promise<unknown> {
    let failure: unknown;
    let times = pauses(RETRY_MS);
    for (let pause = times.next(); !pause.done; pause = times.next()) {
      if (!isRead(command)) checkGuard();
      const sent = performance.now();
      try {
        return await sendWithin(this.client, command, REQUEST_DEADLINE_MS);
      } catch (error) {
        if (isConditionFailed(error) && (failure !== undefined || attemptsOf(error) > 1))
          this.repeated.add(error as Error);
        if (!isPassing(error)) {
          if (isConditionFailed(error)) throw error;
          // The answer to this attempt does not tell what an earlier one did.
          if (failure !== undefined && outcomeOf(failure) === "unknown" && outcomeOf(error) === "not-applied")
            throw failure;
          throw error;
        }
        // An attempt whose outcome is unknown makes the outcome of the whole request unknown.
        if (failure === undefined || outcomeOf(failure) === "not-applied") failure = error;
      }
      // Time for which this process was frozen does not count against DynamoDB.
      if (performance.now() - sent > REQUEST_DEADLINE_MS + FROZEN_MS) times = pauses(RETRY_MS);
      await pause.value();
    }
    throw failure;
  }

  /** True for the failed condition of a request that was sent more than once, and may have failed by what it had done itself. */
  isRepeated(error: unknown): boolean {
    return error instanceof Error && this.repeated.has(error);
  }
}

export const isRead = (command: unknown): boolean =>
  command instanceof GetCommand || command instanceof QueryCommand || command instanceof ScanCommand;

const attemptsOf = (error: unknown): number =>
  (error as { $metadata?: { attempts?: number } | undefined }).$metadata?.attempts ?? 1;
