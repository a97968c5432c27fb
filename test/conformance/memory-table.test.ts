import {
  BatchWriteCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sized } from "../support/runner/size.ts";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";
import { type Command, copy, MemoryTable } from "../support/stores/memory-table/table.ts";

/** A command without its table, which is another one for each engine. */
type Make = (TableName: string) => Command;

const sk = fc.constantFrom("a", "a#1", "a#2", "b", "b\u{10ffff}", "é", "z");
const attribute = fc.constantFrom("a", "b", "ipk", "isk", "status");

/** Values that an item holds, and values that its conditions and updates name. */
interface Values {
  stored: fc.Arbitrary<unknown>;
  named: fc.Arbitrary<unknown>;
}
const ordered = ["x", "y", 0, 1, 2.5, -1];
const unordered = [true, null, ["x", 1], { id: "x", n: 1 }];
const all = fc.oneof(fc.constantFrom<unknown>(...ordered, ...unordered, "", false), fc.uint8Array({ maxLength: 3 }));
const everyValue: Values = { stored: all, named: all };
/**
 * The values that dynalite compares as DynamoDB does. It takes an attribute that is empty or false for one that is absent, in IN,
 * BETWEEN and attribute_type, it has an order of true and null, and no list or map is equal to another one.
 */
const bytes = fc.uint8Array({ minLength: 1, maxLength: 3 });
const dynaliteValues: Values = {
  stored: fc.oneof(fc.constantFrom<unknown>(...ordered, ...unordered), bytes),
  named: fc.oneof(fc.constantFrom<unknown>(...ordered), bytes),
};

/** Conditions as core writes them, and the others that DynamoDB documents. `#n` is an attribute, `:v` and `:w` are values. */
const CONDITIONS = [
  "attribute_not_exists(pk)",
  "attribute_exists(pk) AND attribute_not_exists(#n)",
  "attribute_not_exists(pk) OR #n <= :v",
  "#n = :v",
  "#n <> :v",
  "#n < :v OR #n > :w",
  "#n >= :v AND NOT #n = :w",
  "#n IN (:v, :w)",
  "#n BETWEEN :v AND :w",
  "(#n = :v OR attribute_type(#n, :type)) AND attribute_exists(sk)",
  "begins_with(sk, :prefix)",
  "#n[1] = :v",
  "#n.id = :v",
  "size(#n) = :size",
];
const UPDATES = [
  "SET #n = :v",
  "SET #n = if_not_exists(#n, :v), other = :w",
  "SET counted = if_not_exists(counted, :none) + :one",
  "SET other = :v REMOVE #n",
  "REMOVE #n, counted",
  "ADD counted :one",
];

const NAMED: Record<string, unknown> = { ":type": "S", ":prefix": "a", ":size": 1, ":none": 0, ":one": 1 };

/** Only what the expressions use: DynamoDB refuses the rest. */
function bound(expressions: (string | undefined)[], n: string, v: unknown, w: unknown) {
  const text = expressions.join(" ");
  const values = { ...NAMED, ":v": v, ":w": w };
  const used = Object.entries(values).filter(([name]) => new RegExp(`${name}\\b`).test(text));
  return {
    ...(text.includes("#n") && { ExpressionAttributeNames: { "#n": n } }),
    ...(used.length > 0 && { ExpressionAttributeValues: Object.fromEntries(used) }),
  };
}

const made = (command: unknown) => command as Command;
const commands = (pk: string, { stored, named }: Values): fc.Arbitrary<Make> => {
  const item = fc.record(
    { a: stored, b: stored, ipk: fc.constantFrom("i", "j"), isk: fc.constantFrom("1", "2", "3") },
    { requiredKeys: [] },
  );
  const condition = fc.option(fc.constantFrom(...CONDITIONS), { nil: undefined });
  const conditional = fc.tuple(sk, condition, attribute, named, named);
  const withCondition = (condition: string | undefined) => condition && { ConditionExpression: condition };
  return fc.oneof(
    sk.map(
      (sk): Make =>
        (TableName) =>
          made(new GetCommand({ TableName, Key: { pk, sk }, ConsistentRead: true })),
    ),
    fc.tuple(conditional, item).map(
      ([[sk, condition, n, v, w], item]): Make =>
        (TableName) =>
          made(
            new PutCommand({
              ...{ TableName, Item: { ...item, pk, sk }, ...withCondition(condition) },
              ...bound([condition], n, v, w),
            }),
          ),
    ),
    conditional.map(
      ([sk, condition, n, v, w]): Make =>
        (TableName) =>
          made(
            new DeleteCommand({
              ...{ TableName, Key: { pk, sk }, ...withCondition(condition) },
              ...bound([condition], n, v, w),
            }),
          ),
    ),
    fc.tuple(conditional, fc.constantFrom(...UPDATES)).map(
      ([[sk, condition, n, v, w], update]): Make =>
        (TableName) =>
          made(
            new UpdateCommand({
              ...{ TableName, Key: { pk, sk }, UpdateExpression: update, ReturnValues: "ALL_NEW" },
              ...withCondition(condition),
              ...bound([update, condition], n.startsWith("i") ? "a" : n, v, w),
            }),
          ),
    ),
    fc.array(fc.tuple(sk, fc.boolean(), item), { minLength: 1, maxLength: 4 }).map(
      (all): Make =>
        (TableName) => {
          const distinct = [...new Map(all.map((one) => [one[0], one])).values()];
          const requests = distinct.map(([sk, isPut, item]) =>
            isPut ? { PutRequest: { Item: { ...item, pk, sk } } } : { DeleteRequest: { Key: { pk, sk } } },
          );
          return made(new BatchWriteCommand({ RequestItems: { [TableName]: requests } }));
        },
    ),
    fc
      .tuple(
        fc.constantFrom(
          "",
          " AND sk < :from",
          " AND sk <= :from",
          " AND sk BETWEEN :from AND :to",
          " AND begins_with(sk, :from)",
        ),
        sk,
        sk,
        fc.boolean(),
        fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      )
      .map(([range, from, to, ScanIndexForward, Limit]): Make => {
        const [first, last] = [from, to].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        const bounds = { ":from": first, ":to": last };
        const used = Object.entries(bounds).filter(([name]) => range.includes(name));
        return (TableName) =>
          made(
            new QueryCommand({
              ...{ TableName, ConsistentRead: true, ScanIndexForward, ...(Limit && { Limit }) },
              KeyConditionExpression: `pk = :pk${range}`,
              ExpressionAttributeValues: { ":pk": pk, ...Object.fromEntries(used) },
            }),
          );
      }),
  );
};

/**
 * A command's outcome: its answer without what is of the connection, or the name of its refusal. A query's outcome is its pages up
 * to the last one with items, since an engine may say after the last item that there is more, or not.
 */
async function outcome(command: Command, send: (command: Command) => unknown): Promise<unknown> {
  try {
    const { Items, LastEvaluatedKey, ...answer } = (await send(command)) as Record<string, unknown>;
    if (!Items) return copy({ Item: answer.Item, Attributes: answer.Attributes });
    if (!LastEvaluatedKey) return copy([Items]);
    const next = new QueryCommand({ ...(command as QueryCommand).input, ExclusiveStartKey: LastEvaluatedKey });
    const rest = await outcome(made(next), send);
    return copy([Items, ...(rest as unknown[][]).filter((page) => page.length > 0)]);
  } catch (error) {
    return (error as Error).name;
  }
}

describe.each(dynamoEngines)("the table in memory and $name", ({ name, open }) => {
  let table: TestTable;
  let lives = 0;
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());

  it("answer the same to random commands", async () => {
    const values = name.startsWith("dynalite") ? dynaliteValues : everyValue;
    const lists = fc.array(commands("p", values), { minLength: 1, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(lists, async (makes) => {
        const memory = new MemoryTable();
        const pk = `p${lives++}`;
        for (const make of makes) {
          const [real, own] = [moved(make(table.tableName), pk), make(table.tableName)];
          const expected = await outcome(real, (command) =>
            (table.client as DynamoDBDocumentClient).send(command as never),
          );
          const actual = await outcome(own, (command) => memory.execute(command));
          if (expected === "ValidationException") return;
          expect(JSON.parse(JSON.stringify(actual).replaceAll('"pk":"p"', `"pk":"${pk}"`))).toEqual(
            JSON.parse(JSON.stringify(expected)),
          );
        }
      }),
      { numRuns: sized(60, 1500), seed: 2026 },
    );
  });
});

/** Moves a command to a partition of its own: a table is used for many lives. */
function moved(command: Command, pk: string): Command {
  const visit = (one: unknown): void => {
    if (typeof one !== "object" || one === null || one instanceof Uint8Array) return;
    for (const [name, inner] of Object.entries(one)) {
      if ((name === "pk" || name === ":pk") && inner === "p") (one as Record<string, unknown>)[name] = pk;
      else visit(inner);
    }
  };
  visit(command.input);
  return command;
}
