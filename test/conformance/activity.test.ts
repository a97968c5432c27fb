import { createActivityLog } from "@tenure/core/activity";
import { Table } from "@tenure/core/dynamo";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";

const DAY = 24 * 60 * 60 * 1000;

describe.each(dynamoEngines)("the activity log on $name", ({ open }) => {
  let table: TestTable;
  let now = Date.now();
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());

  const log = () => createActivityLog(new Table({ ...table, clock: { now: () => now } }));
  const entry = (account: string, at: number, kind: "login" | "logout") => ({
    ...{ account, at, kind, detail: { session: "s" } },
    id: `${String(at).padStart(15, "0")}-AAAAAAAAAAAA`,
  });

  it("lists the newest first, page by page, each account its own", async () => {
    for (let i = 0; i < 5; i++) await log().append(entry("ada", now + i, i % 2 ? "logout" : "login"));
    await log().append(entry("eve", now, "login"));
    const first = await log().list("ada", { limit: 3 });
    expect(first.entries.map(({ at }) => at - now)).toEqual([4, 3, 2]);
    const rest = await log().list("ada", { limit: 3, before: first.next as string });
    expect(rest.entries.map(({ at }) => at - now)).toEqual([1, 0]);
    expect(rest.next).toBe(undefined);
  });

  it("is the same after an entry was written twice", async () => {
    const once = entry("twice", now, "login");
    await log().append(once);
    await log().append(once);
    expect((await log().list("twice", { limit: 9 })).entries).toEqual([once]);
  });

  it("keeps entries for 90 days and shows none of them after, whether or not they are deleted yet", async () => {
    const begun = now;
    await log().append(entry("old", begun, "login"));
    now = begun + 90 * DAY - 2000;
    expect((await log().list("old", { limit: 9 })).entries).toHaveLength(1);
    now = begun + 90 * DAY + 1000;
    await log().append(entry("old", now, "logout"));
    expect((await log().list("old", { limit: 9 })).entries.map(({ kind }) => kind)).toEqual(["logout"]);
    now = begun + 90 * DAY - 2000;
    // The expired entry was hidden, and not deleted.
    expect((await log().list("old", { limit: 9 })).entries).toHaveLength(2);
    now = begun;
  });
});
