/**
 * A DynamoDB behind a proxy that charges as AWS does, also for the index, and says by partition what was charged. A write is a unit for
 * each KB of the item, before or after, whichever is larger; a consistent read is one for each 4 KB, and of the index half of that. An index
 * charges for an entry that is made, changed or removed, and twice for one whose keys change. Sources:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html,
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html (provisioned throughput considerations)
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { isDeepStrictEqual } from "node:util";
import { type dynamoEngines, openTable, type TestTable } from "../../test/support/stores/dynamo.ts";

type Attribute = Record<string, unknown>;
type Attributes = Record<string, Attribute>;

export interface Charges {
  requests: number;
  writeUnits: number;
  indexWriteUnits: number;
  readUnits: number;
  /** Write units by partition key: of the table as it is, of the index behind `index:`. */
  partitions: Map<string, number>;
}

export interface ChargedEndpoint {
  engine: (typeof dynamoEngines)[number];
  charges: Charges;
  /** Runs `work` and returns its charges. */
  during(work: () => Promise<unknown>): Promise<Charges>;
  close(): Promise<void>;
}

const none = (): Charges => ({ requests: 0, writeUnits: 0, indexWriteUnits: 0, readUnits: 0, partitions: new Map() });

interface Body {
  TableName?: string;
  Key?: Attributes;
  Item?: Attributes;
  IndexName?: string;
  ConsistentRead?: boolean;
  RequestItems?: Record<string, { PutRequest?: { Item: Attributes }; DeleteRequest?: { Key: Attributes } }[]>;
}

export async function chargedEndpoint({ name, open }: (typeof dynamoEngines)[number]): Promise<ChargedEndpoint> {
  const behind = await open();
  let headers: Record<string, string> = {};
  const ask = async (operation: string, body: object): Promise<{ status: number; text: string }> => {
    const answer = await fetch(behind.endpoint, {
      ...{ method: "POST", body: JSON.stringify(body) },
      headers: { ...headers, "x-amz-target": `DynamoDB_20120810.${operation}` },
    });
    return { status: answer.status, text: await answer.text() };
  };
  const itemAt = async (TableName: string, Key: Attributes): Promise<Attributes | undefined> =>
    (JSON.parse((await ask("GetItem", { TableName, Key, ConsistentRead: true })).text) as { Item?: Attributes }).Item;

  const server = createServer(async (request, response) => {
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString()) as Body;
    const { host: _, connection: __, "content-length": ___, ...rest } = request.headers;
    headers = rest as Record<string, string>;
    const operation = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
    const { charges } = charged;
    charges.requests += 1;
    const written = keysOf(body);
    const isWrite = /^(?:Put|Update|Delete|BatchWrite)Item$/.test(operation);
    const before = isWrite ? await Promise.all(written.map(([table, key]) => itemAt(table, key))) : [];
    const { status, text } = await ask(operation, body);
    if (isWrite) {
      const after = await Promise.all(written.map(([table, key]) => itemAt(table, key)));
      for (const [n, [, key]] of written.entries()) charge(charges, key, before[n], after[n]);
    } else if (/^(?:GetItem|Query|Scan)$/.test(operation)) {
      const { Item, Items = [] } = JSON.parse(text) as { Item?: Attributes; Items?: Attributes[] };
      const bytes = [...Items, ...(Item ? [Item] : [])].reduce((sum, one) => sum + sizeOf(one), 0);
      charges.readUnits += Math.max(1, Math.ceil(bytes / 4096)) * (body.ConsistentRead ? 1 : 0.5);
    }
    response.writeHead(status, { "Content-Type": "application/x-amz-json-1.0" }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const charged: ChargedEndpoint = {
    engine: { name, open: (): Promise<TestTable> => openTable(endpoint) },
    charges: none(),
    async during(work) {
      const outer = this.charges;
      this.charges = none();
      await work();
      const spent = this.charges;
      this.charges = outer;
      return spent;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await behind.close();
    },
  };
  return charged;
}

/** Table and key of each item that a request writes. */
function keysOf({ TableName = "", Key, Item, RequestItems = {} }: Body): [table: string, key: Attributes][] {
  const key = Item ? keyIn(Item) : Key;
  if (key) return [[TableName, key]];
  return Object.entries(RequestItems).flatMap(([table, all]) =>
    all.map(({ PutRequest, DeleteRequest }): [string, Attributes] => [
      table,
      PutRequest ? keyIn(PutRequest.Item) : (DeleteRequest?.Key ?? {}),
    ]),
  );
}

const keyIn = ({ pk, sk }: Attributes): Attributes => ({ pk: pk as Attribute, sk: sk as Attribute });
const unitsOf = (...items: (Attributes | undefined)[]): number =>
  Math.max(1, Math.ceil(Math.max(...items.map((one) => (one ? sizeOf(one) : 0))) / 1024));

function charge(
  charges: Charges,
  key: Attributes,
  before: Attributes | undefined,
  after: Attributes | undefined,
): void {
  const add = (partition: string, units: number) =>
    charges.partitions.set(partition, (charges.partitions.get(partition) ?? 0) + units);
  const units = unitsOf(before, after);
  charges.writeUnits += units;
  add(String(key.pk?.S), units);
  // The index has all attributes of the items that have its keys.
  const [old, now] = [before, after].map((item) => (item?.ipk && item.isk ? item : undefined));
  if (isDeepStrictEqual(old, now)) return;
  const isMoved = old && now && !(isDeepStrictEqual(old.ipk, now.ipk) && isDeepStrictEqual(old.isk, now.isk));
  const entries = isMoved ? [[old], [now]] : [[old, now]];
  for (const entry of entries) {
    const indexUnits = unitsOf(...entry);
    charges.indexWriteUnits += indexUnits;
    add(`index:${String(entry.find((one) => one)?.ipk?.S)}`, indexUnits);
  }
}

/** Bytes as DynamoDB counts them: names and values, with an overhead for lists and maps. */
function sizeOf(item: Attributes): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + sizeOfAttribute(value), 0);
}

function sizeOfAttribute(attribute: Attribute): number {
  const [type, value] = Object.entries(attribute)[0] ?? [];
  switch (type) {
    case "S":
      return Buffer.byteLength(value as string);
    case "N":
      return Math.ceil((value as string).replace(/[-.]/g, "").length / 2) + 1;
    case "B":
      return Buffer.from(value as string, "base64").length;
    case "L":
      return (value as Attribute[]).reduce((sum, one) => sum + 1 + sizeOfAttribute(one), 3);
    case "M":
      return Object.entries(value as Attributes).reduce(
        (sum, [name, one]) => sum + 1 + Buffer.byteLength(name) + sizeOfAttribute(one),
        3,
      );
    case "SS":
      return (value as string[]).reduce((sum, one) => sum + Buffer.byteLength(one), 0);
    default:
      return 1;
  }
}
