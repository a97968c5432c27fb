/** An index that is behind its table: the answer to a query of an index as it was some writes ago. */
import { BatchWriteCommand, DeleteCommand, PutCommand, QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";

type Item = Record<string, unknown>;
interface Key {
  pk: string;
  sk: string;
}

export class LaggingIndex {
  /** Each write in order: a key, and the item that was there after it. */
  private readonly writes: { key: string; item: Item | undefined }[] = [];
  private readonly read: (key: Key) => Promise<Item | undefined>;

  constructor(read: (key: Key) => Promise<Item | undefined>) {
    this.read = read;
  }

  /** To be called after each command that was carried out. */
  async note(command: unknown): Promise<void> {
    for (const { pk, sk } of keysOf(command))
      this.writes.push({ key: `${pk}\n${sk}`, item: await this.read({ pk, sk }) });
  }

  /** The answer to a query of an index, as of so many writes ago. */
  answer({ input }: QueryCommand, lag: number): { Items: Item[] } {
    const items = new Map<string, Item | undefined>();
    for (const { key, item } of this.writes.slice(0, Math.max(0, this.writes.length - lag))) items.set(key, item);
    const found = [...items.values()].filter(
      (item): item is Item => item !== undefined && item.ipk === input.ExpressionAttributeValues?.[":ipk"],
    );
    found.sort((a, b) => (String(a.isk) < String(b.isk) ? -1 : 1));
    return { Items: input.ScanIndexForward === false ? found.reverse() : found };
  }
}

export const isOfIndex = (command: unknown): command is QueryCommand =>
  command instanceof QueryCommand && command.input.IndexName !== undefined;

function keysOf(command: unknown): Key[] {
  if (command instanceof PutCommand) return [command.input.Item as never];
  if (command instanceof UpdateCommand || command instanceof DeleteCommand) return [command.input.Key as never];
  if (!(command instanceof BatchWriteCommand)) return [];
  return Object.values(command.input.RequestItems ?? {})
    .flat()
    .map(({ PutRequest, DeleteRequest }) => (PutRequest?.Item ?? DeleteRequest?.Key) as never);
}
