/** Counts a run's requests to DynamoDB, from the thread's making to the run's end, with the agent of the repository. */
import { GetCommand } from "@aws-sdk/lib-dynamodb";
import { systemClock } from "@tenure/core/clock";
import { Table } from "@tenure/core/dynamo";
import { createThreadStore, defaultLeasePolicy, type ThreadStore } from "@tenure/core/thread";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openUserApi, type UserApi } from "../support/service/user-api.ts";
import { type CountedEndpoint, countedEndpoint } from "../support/stores/counted-endpoint.ts";
import { dynamoEngines } from "../support/stores/dynamo.ts";

let counted: CountedEndpoint;
let user: UserApi;
/** The threads as another process has them. */
let elsewhere: ThreadStore;
beforeAll(async () => {
  counted = await countedEndpoint(dynamoEngines[0] as (typeof dynamoEngines)[0]);
  user = await openUserApi(counted.engine);
  const { client, tableName } = user.table;
  elsewhere = createThreadStore(new Table({ client, tableName, clock: systemClock }), systemClock, defaultLeasePolicy);
});
afterAll(async () => {
  await user.close();
  await counted.close();
});

const total = () => Object.values(counted.calls).reduce((sum, calls) => sum + calls, 0);
const input = { messages: [{ role: "user", content: "hello" }] };
const newThread = async () => (await user.ask<{ thread_id: string }>("POST", "/threads", {})).body.thread_id;
/** A run whose end is on record by the time that its stream is over. */
async function turn(threadId: string): Promise<void> {
  const run = { assistant_id: "agent", input, stream_mode: ["values"] };
  const answer = await user.send("POST", `/threads/${threadId}/runs/stream`, JSON.stringify(run));
  expect(answer.text).toContain("event: values");
}

it("is counted for a new thread and for each further turn", async () => {
  // The format of the table and the graph's assistant are read once by a process.
  await turn(await newThread());
  counted.reset();
  const threadId = await newThread();
  expect(counted.calls).toEqual({ PutItem: 2, GetItem: 1 });
  await turn(threadId);
  // The user is asked for once; the run's record is put and ended, and its thread's is changed twice; the rest is the state.
  expect(counted.calls).toEqual({ PutItem: 6, GetItem: 1, UpdateItem: 5 });
  expect(total()).toBe(12);
  counted.reset();
  await turn(threadId);
  // The state is not read: nobody else can have changed it since this process did.
  expect(counted.calls).toEqual({ PutItem: 4, UpdateItem: 5 });
});

it("is two reads more for a thread that another process has held meanwhile, whose change the turn goes on from", async () => {
  const threadId = await newThread();
  await turn(threadId);
  const { client, tableName } = user.table;
  const Key = { pk: `thread#${threadId}`, sk: "thread" };
  const owner = (await client.send(new GetCommand({ TableName: tableName, Key }))).Item?.owner as string;
  const lease = await elsewhere.hold(threadId, owner, "another process");
  if (typeof lease !== "object") throw new Error(`the thread cannot be had: ${lease}`);
  await elsewhere.free(lease, { status: "idle" });
  counted.reset();
  await turn(threadId);
  // A write of the record is refused, and the record and the state are read.
  expect(counted.calls).toMatchObject({ Query: 2 });
  counted.reset();
  await turn(threadId);
  expect(counted.calls).toEqual({ PutItem: 4, UpdateItem: 5 });
});

it("is one refused write and two reads more for a thread that another process has written to meanwhile", async () => {
  const threadId = await newThread();
  await turn(threadId);
  counted.reset();
  await turn(threadId);
  const alone = total();
  const { client, tableName } = user.table;
  const Key = { pk: `thread#${threadId}`, sk: "thread" };
  const owner = (await client.send(new GetCommand({ TableName: tableName, Key }))).Item?.owner as string;
  await elsewhere.change(threadId, owner, { metadata: { by: "another process" } });
  counted.reset();
  await turn(threadId);
  expect(total()).toBe(alone + 3);
  expect((await elsewhere.get(threadId, owner))?.metadata).toMatchObject({ by: "another process" });
});
