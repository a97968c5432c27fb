/**
 * The parts of time to live that dynalite lacks: `UpdateTimeToLive`, `DescribeTimeToLive`, and the sweeper that deletes
 * expired items some time after they expired. The settings are kept in a file beside the data.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { damaged } from "../journal/restore.ts";

export interface TtlRequest {
  TableName?: string | undefined;
  TimeToLiveSpecification?: { AttributeName?: string; Enabled?: boolean } | undefined;
}

/** Sends one operation to dynalite itself. */
export type Call = (operation: string, body: unknown) => Promise<{ status: number; body: Record<string, unknown> }>;
export type Answer = { status: number; body: Record<string, unknown> };

const PREFIX = "com.amazonaws.dynamodb.v20120810#";
const refuse = (type: string, message: string): Answer => ({
  status: 400,
  body: { __type: (type === "ValidationException" ? "com.amazon.coral.validate#" : PREFIX) + type, message },
});

export class TimeToLive {
  private readonly call: Call;
  private readonly path: string | undefined;
  private readonly now: () => number;
  private attributes: ReadonlyMap<string, string>;

  /**
   * `path` names the settings' file; they are kept in memory when it is left out. `now` is epoch milliseconds. Throws
   * `misconfigured` when the file is damaged, and begins without settings where that is to be skipped.
   */
  constructor(options: { call: Call; path: string | undefined; skipDamage: boolean; now: () => number }) {
    this.call = options.call;
    this.path = options.path;
    this.now = options.now;
    this.attributes = this.path === undefined ? new Map() : readSettings(this.path, options.skipDamage);
  }

  async update({ TableName = "", TimeToLiveSpecification: wanted = {} }: TtlRequest): Promise<Answer> {
    if (!(await this.exists(TableName)))
      return refuse("ResourceNotFoundException", "Cannot do operations on a non-existent table");
    const { AttributeName, Enabled } = wanted;
    if (!AttributeName || typeof Enabled !== "boolean")
      return refuse("ValidationException", "TimeToLiveSpecification needs an AttributeName and Enabled");
    const current = this.attributes.get(TableName);
    if (Enabled && current !== undefined) return refuse("ValidationException", "TimeToLive is already enabled");
    if (!Enabled && current === undefined) return refuse("ValidationException", "TimeToLive is already disabled");
    if (!Enabled && current !== AttributeName)
      return refuse(
        "ValidationException",
        `TimeToLive is active on a different AttributeName: current AttributeName is ${current}`,
      );
    const others = [...this.attributes].filter(([name]) => name !== TableName);
    this.save(new Map(Enabled ? [...others, [TableName, AttributeName]] : others));
    return { status: 200, body: { TimeToLiveSpecification: { AttributeName, Enabled } } };
  }

  async describe({ TableName = "" }: TtlRequest): Promise<Answer> {
    if (!(await this.exists(TableName)))
      return refuse("ResourceNotFoundException", `Requested resource not found: Table: ${TableName} not found`);
    const AttributeName = this.attributes.get(TableName);
    const TimeToLiveDescription = AttributeName
      ? { TimeToLiveStatus: "ENABLED", AttributeName }
      : { TimeToLiveStatus: "DISABLED" };
    return { status: 200, body: { TimeToLiveDescription } };
  }

  /** Deletes every item whose time has passed, and returns how many. A deletion is repeated at the next sweep. */
  async sweep(): Promise<number> {
    let deleted = 0;
    for (const [TableName, attribute] of this.attributes) deleted += await this.sweepTable(TableName, attribute);
    return deleted;
  }

  private async sweepTable(TableName: string, attribute: string): Promise<number> {
    const described = await this.call("DescribeTable", { TableName });
    if (described.status !== 200) return 0;
    const schema = (described.body.Table as { KeySchema: { AttributeName: string }[] }).KeySchema;
    const expired = {
      ExpressionAttributeNames: { "#ttl": attribute },
      ExpressionAttributeValues: {
        ":type": { S: "N" },
        ":now": { N: String(Math.floor(this.now() / 1000)) },
      },
    };
    let deleted = 0;
    let ExclusiveStartKey: unknown;
    do {
      const scan = { TableName, FilterExpression: "attribute_type(#ttl, :type) AND #ttl <= :now", ...expired };
      const { body } = await this.call("Scan", { ...scan, ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}) });
      for (const item of (body.Items ?? []) as Record<string, unknown>[]) {
        const Key = Object.fromEntries(schema.map(({ AttributeName }) => [AttributeName, item[AttributeName]]));
        const ConditionExpression = "attribute_type(#ttl, :type) AND #ttl <= :now";
        const { status } = await this.call("DeleteItem", { TableName, Key, ConditionExpression, ...expired });
        if (status === 200) deleted += 1;
      }
      ExclusiveStartKey = body.LastEvaluatedKey;
    } while (ExclusiveStartKey);
    return deleted;
  }

  private async exists(TableName: string): Promise<boolean> {
    return (await this.call("DescribeTable", { TableName })).status === 200;
  }

  private save(attributes: ReadonlyMap<string, string>): void {
    if (this.path !== undefined) {
      const text = JSON.stringify(Object.fromEntries(attributes));
      writeFileSync(`${this.path}.next`, text, { flush: true, mode: 0o600 });
      renameSync(`${this.path}.next`, this.path);
    }
    this.attributes = attributes;
  }
}

function readSettings(path: string, skipDamage: boolean): Map<string, string> {
  if (!existsSync(path)) return new Map();
  try {
    const entries = Object.entries(JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>);
    if (!entries.every((entry): entry is [string, string] => typeof entry[1] === "string")) throw new Error();
    return new Map(entries);
  } catch {
    if (skipDamage) return new Map();
    throw damaged(path, "it is not JSON of a string for each table");
  }
}
