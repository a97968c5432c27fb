/** Requests of the lean path to DynamoDB, as a server hears them: AWS would take them, and each ends in time. */
import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import { systemClock } from "@tenure/core/clock";
import { connectDynamo, Table } from "@tenure/core/dynamo";
import { afterEach, expect, it, vi } from "vitest";
import { holdTimers, isSettled } from "../support/runner/time.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const close of closing.splice(0)) close();
});

function signal(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

interface Heard {
  headers: Record<string, string>;
  body: string;
}

/** A server that notes requests, and answers as it is told. */
async function listening(answer: (response: ServerResponse, nth: number) => void) {
  const heard: Heard[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    heard.push({ headers: request.headers as Record<string, string>, body });
    answer(response, heard.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return { heard, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** AWS' side of Signature Version 4, for whatever headers a request says that it signed. */
function isSigned({ headers, body }: Heard, secret: string): boolean {
  const [, scope = "", signed = "", signature] =
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\S+), SignedHeaders=(\S+), Signature=(\w+)$/.exec(
      headers.authorization ?? "",
    ) ?? [];
  const mustBeSigned = ["host", "content-type", ...Object.keys(headers).filter((name) => name.startsWith("x-amz-"))];
  if (!mustBeSigned.every((name) => signed.split(";").includes(name))) return false;
  const sha = (of: string) => createHash("sha256").update(of).digest("hex");
  const mac = (key: string | Buffer, of: string) => createHmac("sha256", key).update(of).digest();
  const lines = signed.split(";").map((name) => `${name}:${headers[name]}\n`);
  const canonical = ["POST", "/", "", lines.join(""), signed, sha(body)].join("\n");
  const date = headers["x-amz-date"] ?? "";
  const toSign = ["AWS4-HMAC-SHA256", date, scope, sha(canonical)].join("\n");
  const [day = "", region = "", service = "", end = ""] = scope.split("/");
  const signing = mac(mac(mac(mac(`AWS4${secret}`, day), region), service), end);
  return day === date.slice(0, 8) && mac(signing, toSign).toString("hex") === signature;
}

const ask = new GetCommand({ TableName: "things", Key: { pk: "é", sk: "s" } });
const empty = (response: ServerResponse) => void response.end("{}");
const session = { accessKeyId: "AKID", secretAccessKey: "secret", sessionToken: "session" };

it.each([
  ["fixed credentials", { accessKeyId: "AKID", secretAccessKey: "secret" }],
  ["those of a session", session],
])("requests are signed as AWS checks it: %s", async (_, given) => {
  const { heard, endpoint } = await listening(empty);
  const at = { endpoint, region: "eu-west-1", credentials: given };
  const sdk = DynamoDBDocumentClient.from(new DynamoDBClient(at));
  const lean = connectDynamo(at);
  closing.push(
    () => sdk.destroy(),
    () => lean.destroy(),
  );
  for (const client of [sdk, lean, lean]) await client.send(ask);
  expect(heard.map((one) => isSigned(one, "secret"))).toEqual([true, true, true]);
  expect(heard.map((one) => isSigned(one, "another"))).toEqual([false, false, false]);
  expect(heard.map(({ headers }) => headers["x-amz-target"])).toEqual(Array(3).fill("DynamoDB_20120810.GetItem"));
  expect(heard.map(({ headers }) => headers.authorization?.includes("/eu-west-1/dynamodb/"))).toEqual([
    true,
    true,
    true,
  ]);
  expect(heard[1]?.headers["x-amz-security-token"]).toBe((given as typeof session).sessionToken);
});

it("credentials are the SDK's to say, again and again", async () => {
  const { heard, endpoint } = await listening(empty);
  let nth = 0;
  const expiration = new Date(Date.now() - 1);
  const lean = connectDynamo({
    ...{ endpoint, region: "eu-west-1" },
    credentials: (async () => ({ ...session, secretAccessKey: `secret ${nth++}`, expiration })) as never,
  });
  closing.push(() => lean.destroy());
  for (let n = 0; n < 3; n++) await lean.send(ask);
  const secrets = heard.map((one) => [...Array(nth).keys()].findIndex((n) => isSigned(one, `secret ${n}`)));
  expect(new Set(secrets).size).toBe(3);
});

it("the address is the SDK's to say", async () => {
  const { heard, endpoint } = await listening(empty);
  vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", endpoint);
  const lean = connectDynamo({ region: "eu-west-1", credentials: session });
  closing.push(
    () => lean.destroy(),
    () => vi.unstubAllEnvs(),
  );
  await lean.send(ask);
  expect(heard).toHaveLength(1);
});

it("a clock that is wrong is put right by DynamoDB's answer", async () => {
  const hour = 3_600_000;
  const theirs = () => Date.now() + hour;
  const { heard, endpoint } = await listening((response, nth) => {
    response.setHeader("Date", new Date(theirs()).toUTCString());
    if (nth > 1) return void response.end("{}");
    const refusal = { __type: "com.amazon.coral.service#InvalidSignatureException", message: "Signature expired" };
    response.writeHead(400).end(JSON.stringify(refusal));
  });
  const lean = connectDynamo({ endpoint, region: "eu-west-1", credentials: session });
  closing.push(() => lean.destroy());
  await lean.send(ask);
  const dates = heard.map(({ headers }) => headers["x-amz-date"]?.slice(0, 11));
  const stamp = (ms: number) => new Date(ms).toISOString().replace(/[-:]/g, "").slice(0, 11);
  expect([stamp(theirs() - hour), stamp(theirs())]).toEqual(dates);
});

it.each([
  ["does not come", () => {}],
  ["comes and does not end", (response: ServerResponse) => void response.write("{")],
])("an answer that %s is given up at the deadline of each of three tries", async (_, answer) => {
  const asked = [signal(), signal(), signal()];
  const { endpoint } = await listening((response, nth) => {
    answer(response);
    asked[nth - 1]?.resolve();
  });
  const lean = connectDynamo({ endpoint, region: "eu-west-1", credentials: session, requestTimeoutMs: 500_000 });
  closing.push(() => lean.destroy());
  const time = holdTimers();
  const sending = lean.send(ask).catch((error: unknown) => error);
  for (const { promise } of asked) {
    await promise;
    await time.advance(499_999);
    expect(await isSettled(sending)).toBe(false);
    await time.advance(1);
    // No pause between two tries is longer.
    await time.advance(1000);
  }
  expect(await sending).toMatchObject({ name: "TimeoutError", $metadata: { attempts: 3 } });
});

it("a caller's signal ends a request at once", async () => {
  const asked = signal();
  const { endpoint } = await listening(() => asked.resolve());
  const lean = connectDynamo({ endpoint, region: "eu-west-1", credentials: session, requestTimeoutMs: 500_000 });
  closing.push(() => lean.destroy());
  const controller = new AbortController();
  const sending = lean.send(ask, { abortSignal: controller.signal });
  const refused = expect(sending).rejects.toMatchObject({ name: "AbortError" });
  await asked.promise;
  controller.abort();
  await refused;
});

it("credentials that take longer than a request may leave no time for it, and nothing is sent", async () => {
  const { heard, endpoint } = await listening(empty);
  const told = signal();
  const credentials = async () => {
    told.resolve();
    await new Promise((resolve) => setTimeout(resolve, 11_000));
    return session;
  };
  const client = connectDynamo({ endpoint, region: "eu-west-1", credentials: credentials as never });
  closing.push(() => client.destroy());
  const time = holdTimers();
  const reading = new Table({ client, tableName: "things", clock: systemClock }).get({ pk: "p", sk: "s" });
  const refused = expect(reading).rejects.toMatchObject({
    reason: { tag: "store-unavailable", store: "dynamodb", outcome: "not-applied" },
  });
  await told.promise;
  // The credentials' own time, and a pause that has no time left.
  await time.advance(11_000);
  await time.advance(1);
  await refused;
  expect(heard).toEqual([]);
});

it.each([
  ["made here", connectDynamo],
  ["of the SDK", (given: object) => DynamoDBDocumentClient.from(new DynamoDBClient(given))],
])("a table's request is given up after ten seconds, whatever the time that a client %s takes", async (_, make) => {
  const asked = signal();
  const { heard, endpoint } = await listening(() => asked.resolve());
  const client = make({ endpoint, region: "eu-west-1", credentials: session, requestTimeoutMs: 500_000 });
  closing.push(() => client.destroy());
  const time = holdTimers();
  const reading = new Table({ client, tableName: "things", clock: systemClock }).get({ pk: "p", sk: "s" });
  const refused = expect(reading).rejects.toMatchObject({ reason: { tag: "store-unavailable", store: "dynamodb" } });
  await asked.promise;
  await time.advance(9999);
  expect(await isSettled(reading)).toBe(false);
  // The deadline, and a pause that has no time left.
  await time.advance(1);
  await time.advance(1);
  await refused;
  expect(heard).toHaveLength(1);
});
