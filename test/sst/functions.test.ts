/** The bundles that SST has built, behind the router's own function, with their workers, on loopback: see cloud.ts. */
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Client } from "@langchain/langgraph-sdk";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import type { RedisEngine } from "@tenure/local/redis/engine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gates, startGates } from "../support/service/gate.ts";
import { said, turn } from "../support/service/gated-graph.ts";
import { dynamoEndpoint, isSstInstalled } from "../support/stores/found.ts";
import { behindGateway, redisEngines } from "../support/stores/redis.ts";
import { type Cloud, startCloud } from "./cloud.ts";
import { readAll } from "./loopback.ts";
import { evaluate, type Program, secrets } from "./program.ts";
import { Services } from "./services.ts";

/** Milliseconds before its deadline at which a worker leaves what it is at: HURRY_MS of lambda/worker-handler.ts. */
const HURRY_MS = 30_000;
/** For so long it is at work: far longer than it takes, and less than a lease, which a worker that lives keeps. */
const WORK_MS = 120_000;
/** Far longer than what is done within it takes; two of them are less than the queue's visibility timeout. */
const LEASE_MS = 300_000;
/** The queue's: a dead worker's message waits for so long. */
const VISIBILITY_MS = 20 * 60_000;
const REDIS_DATABASE = 12;

/** Changes to the program: a graph whose steps wait until a test lets them go on, and deadlines that no slow machine reaches. */
const changes = [
  {
    file: "packages/functions/src/graphs/index.ts",
    from: "  agent,\n",
    to: "  agent,\n  gated,\n",
  },
  {
    file: "packages/functions/src/graphs/index.ts",
    from: 'import { agent } from "./agent.ts";',
    to: 'import { agent } from "./agent.ts";\nimport { gated } from "../../../../test/support/service/gated-graph.ts";',
  },
  { file: "packages/core/src/thread/policy.ts", from: "leaseMs: 30_000", to: `leaseMs: ${LEASE_MS}` },
  { file: "packages/core/src/redis/index.ts", from: "deadlineMs = 1000", to: "deadlineMs = 120_000" },
  { file: "packages/core/src/dynamo/client.ts", from: "requestTimeoutMs = 3000", to: "requestTimeoutMs = 120_000" },
  { file: "packages/core/src/dynamo/lean.ts", from: "CONNECT_MS = 1000", to: "CONNECT_MS = 120_000" },
  { file: "packages/functions/src/lambda/aws.ts", from: "DEADLINE_MS = 5_000", to: "DEADLINE_MS = 120_000" },
];

describe.skipIf(!isSstInstalled)("the functions as SST has built them", () => {
  let program: Program;
  let services: Services;
  let cloud: Cloud;
  let gates: Gates;
  const close: (() => unknown)[] = [];

  beforeAll(async () => {
    const [engine] = await Promise.all(
      redisEngines(REDIS_DATABASE)
        .slice(-1)
        .map((one) => one.open()),
    );
    const redis = await behindGateway(engine as RedisEngine);
    close.push(() => redis.close());
    gates = await startGates();
    close.push(() => gates.close());
    services = await Services.start();
    close.push(() => services.close());
    program = await evaluate({
      stage: "staging",
      secrets: { ...secrets, UpstashRedisRestUrl: redis.url, UpstashRedisRestToken: redis.token },
      env: { TENURE_SST_QUEUES: services.url, TENURE_OPERATORS: "ops@example.com" },
      changes,
    });
    close.push(() => program.close());
    const dynamo = dynamoEndpoint ? undefined : await startLocalDynamo();
    close.push(() => dynamo?.close());
    const endpoint = dynamoEndpoint ?? dynamo?.url ?? "";
    await createTable(program, endpoint);
    const env = { AWS_ENDPOINT_URL_DYNAMODB: endpoint, AWS_ENDPOINT_URL_SESV2: services.url };
    cloud = await startCloud(program, services, env);
    close.push(() => cloud.close());
  });
  afterAll(async () => {
    for (const undo of close.reverse()) await undo();
  });

  const origin = () =>
    program.resources.find(({ name }) => name === "AuthFunction")?.inputs.environment.variables.TENURE_ORIGIN as string;
  const ask = (
    method: string,
    path: string,
    { headers = {}, body }: { headers?: Record<string, string>; body?: unknown } = {},
  ) =>
    fetch(`${cloud.url}/api${path}`, {
      method,
      headers: { "Content-Type": "application/json", ...headers },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });

  async function logIn(email: string, headers: Record<string, string> = {}): Promise<Response> {
    const { challenge } = (await (await ask("POST", "/auth/code", { headers, body: { email } })).json()) as {
      challenge: string;
    };
    const mail = services.mails.findLast(({ to }) => to === email);
    const code = /\b\d{6}\b/.exec(mail?.text ?? "")?.[0];
    return ask("POST", "/auth/verify", { headers, body: { challenge, code } });
  }
  const tokenOf = async (email: string) => ((await (await logIn(email)).json()) as { token: string }).token;
  const clientOf = (token: string) =>
    new Client({ apiUrl: `${cloud.url}/api`, apiKey: token, callerOptions: { maxRetries: 0 } });

  it("log in by mail, know a session by cookie, bearer token and key, and end it at once", async () => {
    const browser = { Origin: origin(), "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors" };
    const verified = await logIn("ada@example.com", browser);
    expect(verified.status).toBe(200);
    expect(services.mails.at(-1)).toMatchObject({
      to: "ada@example.com",
      from: "login@example.com",
      configurationSet: "tenure-staging-mail",
    });
    expect(await verified.json()).not.toHaveProperty("token");
    const cookie = verified.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    expect(cookie).toMatch(/^__Host-tenure=/);
    const token = await tokenOf("program@example.com");
    const ways: Record<string, string>[] = [
      { Cookie: cookie },
      { Authorization: `Bearer ${token}` },
      { "x-api-key": token },
    ];
    for (const headers of ways)
      expect([Object.keys(headers), (await ask("GET", "/auth/session", { headers })).status]).toEqual([
        Object.keys(headers),
        200,
      ]);
    // The activity goes through the same front door to the same function.
    expect((await ask("GET", "/activity", { headers: { Cookie: cookie } })).status).toBe(200);
    // Another origin's page has no say.
    const elsewhere = { Cookie: cookie, Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" };
    expect((await ask("POST", "/auth/logout", { headers: elsewhere })).status).toBe(403);
    expect((await ask("POST", "/auth/logout", { headers: { ...browser, Cookie: cookie } })).status).toBe(204);
    expect((await ask("GET", "/auth/session", { headers: { Cookie: cookie } })).status).toBe(401);
    expect((await ask("GET", "/threads/x", { headers: { Cookie: cookie } })).status).toBe(401);
  });

  it("refuse whoever calls them past the front door", async () => {
    expect(await cloud.callDirectly("Auth", "/api/auth/session")).toBe(403);
    expect(await cloud.callDirectly("Api", "/api/ok")).toBe(403);
    expect((await ask("GET", "/ok", { headers: { "x-tenure-edge": "guessed" } })).status).toBe(200);
  });

  it("take bodies of megabytes, and bodies with DELETE", async () => {
    const token = await tokenOf("large@example.com");
    const headers = { Authorization: `Bearer ${token}` };
    const large = await ask("PUT", "/store/items", {
      headers,
      body: { namespace: ["a"], key: "k", value: { text: "x".repeat(300_000) } },
    });
    expect(large.status).toBe(204);
    const tooLarge = await ask("PUT", "/store/items", {
      headers,
      body: { namespace: ["a"], key: "k", value: "x".repeat(6 * 1024 * 1024) },
    });
    expect(tooLarge.status).toBe(413);
    expect((await ask("DELETE", "/store/items", { headers, body: { namespace: ["a"], key: "k" } })).status).toBe(204);
    expect(await (await ask("GET", "/store/items?namespace=a&key=k", { headers })).json()).toBe(null);
  });

  it("tell operators how the stores are, and nobody else", async () => {
    const [operator, other] = [await tokenOf("ops@example.com"), await tokenOf("ada2@example.com")];
    const deep = (headers: Record<string, string>) => ask("GET", "/ok?deep=1", { headers });
    expect((await deep({})).status).toBe(401);
    expect((await deep({ Authorization: `Bearer ${other}` })).status).toBe(404);
    const answer = await deep({ Authorization: `Bearer ${operator}` });
    expect(await answer.json()).toMatchObject({ ok: true, stores: { redis: { ok: true }, dynamodb: { ok: true } } });
  });

  it("let the worker say how it finds its stores", async () => {
    let found: { store: string; check: string; state: string }[] = [];
    await cloud.functions.Worker.invoke({ doctor: true }, async (request) => {
      found = JSON.parse((await readAll(request)).toString());
    });
    expect(found.map(({ store, check }) => `${store} ${check}`)).toEqual([
      ...["redis answers", "redis eviction", "redis persistence"],
      ...["dynamodb answers", "dynamodb table and index", "dynamodb expiry"],
    ]);
    const stateOf = (check: string) => found.filter((one) => one.check === check).map(({ state }) => state);
    expect(stateOf("answers")).toEqual(["well", "well"]);
    expect(stateOf("table and index")).toEqual(["well"]);
    // The table of this test has no TTL, and the worker says so.
    expect(stateOf("expiry")).toEqual(["bad"]);
  });

  it("stream a run as it goes, ask a person, and go on", async () => {
    const client = clientOf(await tokenOf("stream@example.com"));
    const { thread_id } = await client.threads.create();
    const gate = gates.add();
    let updates = 0;
    for await (const { event } of client.runs.stream(thread_id, "gated", {
      ...turn(3, { gate }),
      streamMode: "updates",
    })) {
      if (event !== "updates") continue;
      // Each step waits until its client has the one before it.
      gate.open(updates);
      updates += 1;
    }
    expect(updates).toBe(4);

    const chat = await client.threads.create();
    const message = { messages: [{ role: "user", content: "remember: buy milk" }] };
    await client.runs.wait(chat.thread_id, "agent", { input: message });
    expect((await client.threads.get(chat.thread_id)).status).toBe("interrupted");
    await client.runs.wait(chat.thread_id, "agent", { command: { resume: true } });
    const { values } = await client.threads.getState<{ messages: { content: string }[] }>(chat.thread_id);
    expect(values.messages.at(-1)?.content).toMatch(/^Saved: buy milk/);
  });

  it("leave what nobody watches to the worker", async () => {
    const client = clientOf(await tokenOf("background@example.com"));
    const { thread_id } = await client.threads.create();
    const sent = services.sent;
    const runs = [];
    for (let n = 0; n < 3; n++)
      runs.push(await client.runs.create(thread_id, "gated", { ...turn(1), multitaskStrategy: "enqueue" }));
    expect(services.sent).toBeGreaterThan(sent);
    for (const { run_id } of runs)
      await expect.poll(async () => (await client.runs.get(thread_id, run_id)).status).toBe("success");
    expect(services.queue.deadLetters).toEqual([]);
    await expect.poll(async () => (await client.threads.get(thread_id)).status).toBe("idle");
  });

  const contents = async (client: Client, threadId: string) =>
    (await client.threads.getState<{ messages: { content: string }[] }>(threadId)).values.messages.map(
      ({ content }) => content,
    );

  /** Resolves to the number of a run's steps that are in its thread's state. */
  const takenOf = async (client: Client, threadId: string) =>
    (await client.threads.getState<{ taken?: number }>(threadId)).values.taken;

  it("go on elsewhere before their time is up", async () => {
    const client = clientOf(await tokenOf("deadline@example.com"));
    const [{ thread_id }, gate] = [await client.threads.create(), gates.add()];
    const worker = cloud.functions.Worker;
    const timeout = worker.timeoutMs;
    worker.timeoutMs = HURRY_MS + WORK_MS;
    const sent = services.sent;
    const { run_id } = await client.runs.create(thread_id, "gated", turn(6, { gate }));
    gate.open(0, 1, 3);
    for (const held of [2, 4]) {
      const visit = await gate.reached(held);
      await expect.poll(() => takenOf(client, thread_id)).toBe(held);
      await cloud.moveClock(WORK_MS);
      await visit.gone;
      // The next invocation begins where this one was.
      (await gate.reached(held, 2)).pass();
    }
    gate.open();
    await expect.poll(async () => (await client.runs.get(thread_id, run_id)).status).toBe("success");
    worker.timeoutMs = timeout;
    expect(services.sent - sent).toBe(3);
    expect([0, 1, 2, 3, 4, 5].map((step) => gate.visits(step))).toEqual([1, 1, 2, 1, 2, 1]);
    expect(await contents(client, thread_id)).toEqual(said(6));
  });

  it("take over from workers that have died, while their messages are in flight", async () => {
    const client = clientOf(await tokenOf("takeover@example.com"));
    const [{ thread_id }, gate] = [await client.threads.create(), gates.add()];
    gate.open(0, 1, 2);
    const { run_id } = await client.runs.create(thread_id, "gated", turn(6, { gate }));
    const visit = await gate.reached(3);
    await expect.poll(() => takenOf(client, thread_id)).toBe(3);
    cloud.functions.Worker.killAll();
    await visit.gone;
    await services.delivered();
    // The first sweep finds the lease still held.
    await services.sweep("first");
    await services.delivered();
    expect(gate.visits(3)).toBe(1);
    expect(services.queue.depth).toEqual({ inFlight: 1, waiting: 0 });

    await cloud.moveClock(LEASE_MS);
    await services.sweep("second");
    const second = await gate.reached(3, 2);
    cloud.functions.Worker.killAll();
    await second.gone;
    await services.delivered();

    await cloud.moveClock(LEASE_MS);
    gate.open();
    await services.sweep("third");
    await expect.poll(async () => (await client.runs.get(thread_id, run_id)).status).toBe("success");
    await services.delivered();
    expect([0, 1, 2, 3, 4, 5].map((step) => gate.visits(step))).toEqual([1, 1, 1, 3, 1, 1]);
    expect(await contents(client, thread_id)).toEqual(said(6));
    // The messages of the dead come back in their time, to nothing that is left to do.
    expect(services.queue.depth).toEqual({ inFlight: 2, waiting: 0 });
    await cloud.moveClock(VISIBILITY_MS);
    await services.delivered();
    expect(services.queue.depth).toEqual({ inFlight: 0, waiting: 0 });
    expect(services.queue.deadLetters).toEqual([]);
    expect(await contents(client, thread_id)).toEqual(said(6));
  });

  it("count in the embedded metric format, and say no secret", async () => {
    await expect
      .poll(() =>
        [...cloud.functions.Auth.instances, ...cloud.functions.Worker.instances].map(({ output }) => output).join(""),
      )
      .toContain('"LeaseTakeovers"');
    const output = Object.values(cloud.functions)
      .flatMap(({ instances }) => instances)
      .map((one) => one.output)
      .join("");
    // Each under its stage, as the alarms want it.
    for (const [, dimensions = ""] of output.matchAll(/"Dimensions":\[\[([^\]]*)\]\]/g))
      expect(dimensions.split(",").toSorted()).toEqual(['"service"', '"stage"']);
    expect(output).toContain('"stage":"staging"');
    for (const metric of ["SessionVerbs", "CodeRequests", "Refusals", "Runs", "Supersteps", "DynamoWriteUnits"])
      expect(output).toContain(`"Name":"${metric}"`);
    for (const secret of Object.values(secrets)) expect(output).not.toContain(secret);
    // As a number of its own: six digits stand somewhere in any epoch timestamp.
    const said = new Set(output.match(/(?<!\d|\d\.)\d{6}(?!\d|\.\d)/g));
    for (const { text } of services.mails) expect(said).not.toContain(/\b\d{6}\b/.exec(text)?.[0]);
  });
});

/** The table that the program declares, as CloudFormation would make it. */
async function createTable({ resources }: Program, endpoint: string): Promise<void> {
  const { inputs } = resources.find(({ type }) => type.endsWith("dynamodb/table:Table")) ?? { inputs: {} };
  const client = new DynamoDBClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  const keys = (hash: string, range: string) => [
    { AttributeName: hash, KeyType: "HASH" as const },
    { AttributeName: range, KeyType: "RANGE" as const },
  ];
  await client.send(
    new CreateTableCommand({
      TableName: inputs.name,
      BillingMode: inputs.billingMode,
      AttributeDefinitions: inputs.attributes.map(({ name, type }: { name: string; type: "S" }) => ({
        AttributeName: name,
        AttributeType: type,
      })),
      KeySchema: keys(inputs.hashKey, inputs.rangeKey),
      GlobalSecondaryIndexes: inputs.globalSecondaryIndexes.map(
        (index: { name: string; hashKey: string; rangeKey: string; projectionType: "ALL" }) => ({
          IndexName: index.name,
          KeySchema: keys(index.hashKey, index.rangeKey),
          Projection: { ProjectionType: index.projectionType },
        }),
      ),
    }),
  );
  client.destroy();
}
