/** A document client whose requests are counted, and charged as DynamoDB reports it in ConsumedCapacity. */

export interface Command {
  input: Record<string, unknown>;
}

interface Client {
  send(command: never, options?: never): Promise<unknown>;
}

export interface Spent {
  writeUnits: number;
  readUnits: number;
  requests: number;
  /** Attribute names and values that writes carried, keys included, in bytes. */
  bytes: number;
}

export class Meter {
  readonly spent: Spent = { writeUnits: 0, readUnits: 0, requests: 0, bytes: 0 };
  /** Each request takes this many milliseconds more, so that those sent together do overlap. */
  delayMs = 0;
  private spans: { start: number; end: number }[] = [];

  /** The same client, counted. */
  count<T extends Client>(client: T): T {
    return new Proxy(client, {
      get: (target, name) =>
        name === "send"
          ? (command: Command, options: unknown) => this.send(target, command, options)
          : Reflect.get(target, name),
    });
  }

  /** Resolves to what the action spent, and its round trips: the longest chain of requests each sent after the one before it. */
  async during(action: () => Promise<unknown>): Promise<Spent & { roundTrips: number }> {
    const before = { ...this.spent };
    this.spans = [];
    this.delayMs = 25;
    await action();
    this.delayMs = 0;
    return {
      writeUnits: this.spent.writeUnits - before.writeUnits,
      readUnits: this.spent.readUnits - before.readUnits,
      requests: this.spent.requests - before.requests,
      bytes: this.spent.bytes - before.bytes,
      roundTrips: longestChain(this.spans),
    };
  }

  private async send(client: Client, command: Command, options: unknown): Promise<unknown> {
    command.input.ReturnConsumedCapacity = "TOTAL";
    const span = { start: performance.now(), end: Infinity };
    this.spans.push(span);
    const answer = (await client.send(command as never, options as never)) as {
      ConsumedCapacity?: Capacity | Capacity[];
    };
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    span.end = performance.now();
    const units = [answer.ConsumedCapacity ?? []].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
    this.spent.requests += 1;
    if (/Get|Query|Scan/.test(command.constructor.name)) this.spent.readUnits += units;
    else {
      this.spent.writeUnits += units;
      this.spent.bytes += bytesOf(command);
    }
    return answer;
  }
}

interface Capacity {
  CapacityUnits?: number;
}

function longestChain(spans: { start: number; end: number }[]): number {
  const levels: number[] = [];
  spans.forEach(({ start }, i) => {
    const before = spans.slice(0, i).map(({ end }, j) => (end <= start ? (levels[j] ?? 0) : 0));
    levels.push(1 + Math.max(0, ...before));
  });
  return Math.max(0, ...levels);
}

/** Of a put its item, of an update its key, names and values, of a batch all its items. */
function bytesOf({ input }: Command): number {
  if (input.RequestItems) {
    const requests = Object.values(input.RequestItems).flat() as { PutRequest?: { Item: unknown } }[];
    return requests.reduce((sum, { PutRequest }) => sum + sizeOf(PutRequest?.Item ?? {}), 0);
  }
  if (input.Item) return sizeOf(input.Item);
  const names = Object.values(input.ExpressionAttributeNames ?? {});
  const values = Object.values(input.ExpressionAttributeValues ?? {});
  return [input.Key ?? {}, ...names, ...values].reduce<number>((sum, part) => sum + sizeOf(part), 0);
}

export function sizeOf(value: unknown): number {
  if (value instanceof Uint8Array) return value.length;
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + sizeOf(one), 0);
  if (typeof value === "object" && value !== null)
    return Object.entries(value).reduce((sum, [name, one]) => sum + Buffer.byteLength(name) + sizeOf(one), 0);
  return value === undefined ? 0 : Buffer.byteLength(String(value));
}
