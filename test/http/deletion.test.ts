/** Deletions of threads and accounts while other requests are under way, and deletions that are cut short. */
import { type DynamoDBDocumentClient, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { Annotation, START, StateGraph } from "@langchain/langgraph";
import type { GraphFactory } from "@tenure/functions/graphs";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { deleteAccount } from "../../packages/functions/src/agent/deletion.ts";
import { openApi, type TestApi } from "../support/service/api.ts";
import { apiClients, credentials, dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";
import { type Behind, behindGateway, redisEngines } from "../support/stores/redis.ts";
import { TestClock } from "../support/stores/test-clock.ts";

const State = Annotation.Root({ said: Annotation<string> });
const said: string[] = [];
const saying: GraphFactory = ({ checkpointer }) =>
  new StateGraph(State)
    .addNode("say", (state) => {
      said.push(state.said);
      return {};
    })
    .addEdge(START, "say")
    .compile({ ...(checkpointer && { checkpointer }) }) as unknown as ReturnType<GraphFactory>;

const send = apiClients.send as (...call: unknown[]) => Promise<Record<string, never>>;
const clock = new TestClock();
const THREAD = "0b9f1a52-54d5-4e0c-9a37-6a4f1d1c0a11";
let table: TestTable;
let redis: Behind;
let api: TestApi;
let beforeSession: () => Promise<unknown> = async () => {};

beforeAll(async () => {
  table = await (dynamoEngines[0] as (typeof dynamoEngines)[number]).open();
  redis = await behindGateway(await (redisEngines(0)[0] as ReturnType<typeof redisEngines>[number]).open());
});
afterAll(async () => {
  await redis.close();
  await table.close();
});
beforeEach(async () => {
  said.length = 0;
  const { url, token, deadlineMs } = redis;
  api = await openApi(
    {
      redis: { url, token, deadlineMs },
      dynamo: { endpoint: table.endpoint, region: "local", credentials },
      ...{ tableName: table.tableName, codePolicy: { resendMs: 0 }, graphs: { saying }, clock, report: () => {} },
    },
    ({ sessions }) => ({
      sessions: {
        ...sessions,
        async create(...call) {
          await beforeSession();
          return sessions.create(...call);
        },
      },
    }),
  );
});
afterEach(async () => {
  vi.restoreAllMocks();
  beforeSession = async () => {};
  await api.close();
});

interface User {
  id: string;
  email: string;
  ask(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }>;
}

async function logIn(email: string): Promise<User> {
  const asked = await api.request("POST", "/auth/code", { body: { email } });
  const { challenge } = (await asked.json()) as { challenge: string };
  const verified = await api.request("POST", "/auth/verify", { body: { challenge, code: api.sent() } });
  const { token, user } = (await verified.json()) as { token: string; user: { id: string } };
  const headers = { Authorization: `Bearer ${token}` };
  return {
    ...{ id: user.id, email },
    async ask(method, path, body) {
      const answer = await api.request(method, path, { headers, ...(body !== undefined && { body }) });
      return { status: answer.status, text: await answer.text() };
    },
  };
}

interface Key {
  pk: string;
  sk: string;
}

interface Command {
  input: { Item?: Key; Key?: Key; RequestItems?: object };
}

/** Does something right before the first request to DynamoDB that `is` says. */
function before(is: (command: Command["input"]) => boolean, work: () => Promise<unknown>): void {
  let isDone = false;
  vi.spyOn(apiClients, "send").mockImplementation(async function (this: DynamoDBDocumentClient, ...call: unknown[]) {
    if (!isDone && is((call[0] as Command).input)) {
      isDone = true;
      await work();
    }
    return send.apply(this, call);
  } as never);
}

/** Without the marker that a deleted thread leaves for half an hour. */
async function itemsWith(text: string): Promise<string[]> {
  const { Items = [] } = (await send.call(table.client, new ScanCommand({ TableName: table.tableName }))) as {
    Items?: { sk: string; after?: boolean }[];
  };
  const stored = Items.filter(({ sk, after }) => !(sk === "deadline" && after));
  return stored.map((item) => JSON.stringify(item)).filter((item) => item.includes(text));
}

const turn = { assistant_id: "saying", input: { said: "mine" } };
const making = { ...turn, if_not_exists: "create" };

it("does not admit a run to another user's thread that has taken the id of the run's own", async () => {
  const [ada, bob] = [await logIn("ada-1@example.com"), await logIn("bob-1@example.com")];
  await ada.ask("POST", "/threads", { thread_id: THREAD });
  await ada.ask("POST", `/threads/${THREAD}/runs/wait`, turn);
  before(
    ({ Item }) => Item?.sk.startsWith("run#") ?? false,
    async () => {
      expect((await ada.ask("DELETE", `/threads/${THREAD}`)).status).toBe(204);
      expect((await bob.ask("POST", "/threads", { thread_id: THREAD })).status).toBe(200);
      const own = { ...turn, input: { said: "bob's" } };
      expect((await bob.ask("POST", `/threads/${THREAD}/runs/wait`, own)).text).toContain("bob's");
    },
  );
  expect((await ada.ask("POST", `/threads/${THREAD}/runs/wait`, turn)).status).toBe(404);
  await api.runner.idle();
  expect(said).toEqual(["mine", "bob's"]);
  expect(JSON.parse((await bob.ask("GET", `/threads/${THREAD}/state`)).text)).toMatchObject({
    values: { said: "bob's" },
  });
  expect(JSON.parse((await bob.ask("GET", `/threads/${THREAD}/runs`)).text)).toHaveLength(1);
  expect((await bob.ask("DELETE", `/threads/${THREAD}`)).status).toBe(204);
  expect(await itemsWith(THREAD)).toEqual([]);
});

it("leaves another user's thread alone that has taken the id between two deletions", async () => {
  const [ada, bob] = [await logIn("ada-2@example.com"), await logIn("bob-2@example.com")];
  await ada.ask("POST", "/threads", { thread_id: THREAD });
  await ada.ask("POST", `/threads/${THREAD}/runs/wait`, turn);
  before(
    ({ RequestItems }) => RequestItems !== undefined,
    async () => {
      expect((await ada.ask("DELETE", `/threads/${THREAD}`)).status).toBe(204);
      await bob.ask("POST", "/threads", { thread_id: THREAD });
      await bob.ask("POST", `/threads/${THREAD}/runs/wait`, { ...turn, input: { said: "bob's" } });
    },
  );
  expect((await ada.ask("DELETE", `/threads/${THREAD}`)).status).toBe(204);
  expect((await bob.ask("GET", `/threads/${THREAD}/state`)).text).toContain("bob's");
  expect(JSON.parse((await bob.ask("GET", `/threads/${THREAD}/runs`)).text)).toHaveLength(1);
  await bob.ask("DELETE", `/threads/${THREAD}`);
});

it("makes a login that was under way that of a new user", async () => {
  const ada = await logIn("ada-3@example.com");
  beforeSession = async () => {
    beforeSession = async () => {};
    expect((await ada.ask("DELETE", "/account")).status).toBe(204);
  };
  const again = await logIn(ada.email);
  expect(again.id).not.toBe(ada.id);
  expect((await again.ask("GET", "/auth/session")).text).toContain(again.id);
  expect((await ada.ask("GET", "/auth/session")).status).toBe(401);
});

it.each<[string, (key: Key) => boolean, string, string, object]>([
  [
    "an item of memory",
    ({ pk }) => pk.startsWith("store#"),
    "PUT",
    "/store/items",
    { namespace: ["n"], key: "k", value: {} },
  ],
  ["a thread", ({ sk }) => sk === "thread", "POST", "/threads", {}],
  ["an assistant", ({ sk }) => sk === "assistant", "POST", "/assistants", { graph_id: "saying" }],
  ["a run without a thread", ({ sk }) => sk.startsWith("run#"), "POST", "/runs", { ...turn, after_seconds: 60 }],
  ["a run on a thread that it makes", ({ sk }) => sk === "thread", "POST", `/threads/${THREAD}/runs/wait`, making],
  ["a run that is waited for", ({ sk }) => sk.startsWith("run#"), "POST", "/runs/wait", turn],
])("takes %s back that was being made when the account went", async (_, is, method, path, body) => {
  const ada = await logIn("ada-4@example.com");
  before(
    ({ Item, Key = Item }) => Key !== undefined && is(Key),
    async () => expect((await ada.ask("DELETE", "/account")).status).toBe(204),
  );
  expect((await ada.ask(method, path, body)).status).toBe(401);
  expect(await itemsWith(ada.id)).toEqual([]);
  clock.move(120_000);
  await api.runner.sweep();
  await api.runner.idle();
  expect(said).toEqual([]);
});

it("begins no delayed run of an account that is gone", async () => {
  const ada = await logIn("ada-5@example.com");
  expect((await ada.ask("POST", "/runs", { ...turn, after_seconds: 60 })).status).toBe(200);
  expect((await ada.ask("DELETE", "/account")).status).toBe(204);
  clock.move(61_000);
  await api.runner.sweep();
  await api.runner.idle();
  expect(said).toEqual([]);
  expect(await itemsWith(ada.id)).toEqual([]);
});

it("goes on in the sweep with an account's deletion that the store has cut short", async () => {
  const ada = await logIn("ada-6@example.com");
  for (let n = 0; n < 3; n++) await ada.ask("POST", "/threads", {});
  before(
    ({ RequestItems }) => RequestItems !== undefined,
    async () => {
      throw Object.assign(new Error("no"), { name: "AccessDeniedException" });
    },
  );
  expect((await ada.ask("DELETE", "/account")).status).toBe(503);
  expect((await ada.ask("GET", "/auth/session")).status).toBe(401);
  expect((await itemsWith(ada.id)).length).toBeGreaterThan(0);
  clock.move(61_000);
  await api.runner.sweep();
  expect(await itemsWith(ada.id)).toEqual([]);
});

it("goes on in the sweep with an account's deletion that takes longer than a request may", async () => {
  const ada = await logIn("ada-7@example.com");
  await ada.ask("POST", "/threads", { thread_id: THREAD });
  expect(await deleteAccount(api.deps, api.runner, ada, { withinMs: 0 })).toBe("later");
  expect((await ada.ask("GET", "/auth/session")).status).toBe(401);
  expect((await logIn(ada.email)).id).not.toBe(ada.id);
  clock.move(61_000);
  await api.runner.sweep();
  expect([await itemsWith(ada.id), await itemsWith(THREAD)]).toEqual([[], []]);
});
