/**
 * Every option of the JavaScript client is carried out or refused by its name: docs/client-options.md says which, is made by this test with
 * `TENURE_TEST_WRITE=1`, and is current. Options, and the texts that an option can be, are read from the client's types, so that a newer
 * client's are found.
 */
import { readFile, writeFile } from "node:fs/promises";
import { Client } from "@langchain/langgraph-sdk";
import { openWindows } from "@tenure/local/limits";
import { afterAll, beforeAll, expect, it } from "vitest";
import { saying } from "../support/service/saying.ts";
import { openUserApi, type UserApi } from "../support/service/user-api.ts";
import { dynamoEngines } from "../support/stores/dynamo.ts";
import { type Call, call } from "./call.ts";
import { declaredOptions } from "./declared.ts";
import { METHODS } from "./driven.ts";
import { PAGE, part, withPart } from "./page.ts";
import type { Things } from "./values.ts";

/** Options that the client keeps for itself. */
const CLIENT_OWN = new Set([
  ...["signal", "onRunCreated", "streamIdleReconnect", "raiseError", "includePagination"],
  // `wait` and `stream` send none of these, whatever their types say.
  ...["runs.wait streamMode", "runs.wait streamSubgraphs", "runs.wait streamResumable", "runs.wait streamNamespaces"],
  ...["runs.wait feedbackKeys", "runs.stream _langsmithTracer", "runs.create onDisconnect"],
]);

/** Options that name something which is not there, whatever they name. */
const NOWHERE = new Map(
  ["checkpointId", "checkpoint"].map((option) => [
    `runs.createBatch ${option}`,
    "answered 404: a run without a thread has no checkpoint to go on from",
  ]),
);

/** Request headers that a page of another origin may send unasked. Source: https://fetch.spec.whatwg.org/#cors-safelisted-request-header */
const SAFE_HEADERS = new Set(["accept", "accept-language", "content-language"]);
const OTHER_ORIGIN = "https://app.example.com";

let user: UserApi;
let at: { apiUrl: string; apiKey: string };
let things: Things;
beforeAll(async () => {
  const [engine] = dynamoEngines as [(typeof dynamoEngines)[number]];
  user = await openUserApi(engine, { graphs: { saying }, allowedOrigins: [OTHER_ORIGIN] }, { windows: openWindows });
  at = { apiUrl: await user.api.serve(), apiKey: await user.api.logIn("ada@example.com") };
  const client = new Client({ ...at, callerOptions: { maxRetries: 0 } });
  const newThread = async () => {
    const { thread_id } = await client.threads.create({ graphId: "saying" });
    await client.threads.updateState(thread_id, { values: { said: ["Begun."] } });
    return thread_id;
  };
  const newRun = async (): Promise<[string, string]> => {
    const thread = await newThread();
    const { run_id } = await client.runs.create(thread, "saying", { input: { said: ["What?"] } });
    await client.runs.join(thread, run_id);
    return [thread, run_id];
  };
  const newAssistant = async () => (await client.assistants.create({ graphId: "saying" })).assistant_id;
  const [thread, run] = await newRun();
  const { checkpoint } = await client.threads.getState(thread);
  const assistant = await newAssistant();
  things = { thread, run, checkpoint: checkpoint.checkpoint_id ?? "", assistant, newThread, newRun, newAssistant };
});
afterAll(() => user.close());

it("every option is carried out or refused by its name, and the page says which", async () => {
  const rows: string[] = [];
  const headers = new Set<string>();
  const declared = await declaredOptions();
  expect([...declared.keys()].toSorted()).toEqual(Object.keys(METHODS).toSorted());
  for (const [method, options] of declared) {
    const without = await call(method, undefined, things, at);
    for (const name of without.headers) headers.add(name);
    if (without.refusal) {
      expect([method, without.refusal.status]).toEqual([method, 501]);
      rows.push(`| \`${method}\` | all | refused (501): ${without.refusal.detail} |`);
      continue;
    }
    const verdicts = new Map<string, string[]>();
    const judge = (verdict: string, name: string) =>
      verdicts.set(verdict, [...(verdicts.get(verdict) ?? []), `\`${name}\``]);
    for (const [option, texts] of options) {
      const tried = await call(method, option, things, at);
      for (const name of tried.headers) headers.add(name);
      const verdict = verdictOn(method, option, without.sent, tried);
      judge(verdict, option);
      if (verdict !== DONE) continue;
      for (const text of texts) {
        const one = verdictOn(method, option, without.sent, await call(method, option, things, at, text));
        if (one !== DONE) judge(one, `${option}: "${text}"`);
      }
    }
    // The page says it of `signal` once.
    for (const [verdict, names] of verdicts)
      if (names.join() !== "`signal`") rows.push(`| \`${method}\` | ${names.join(", ")} | ${verdict} |`);
  }
  const made = part("JavaScript", ["| method | options | |", "|---|---|---|", ...rows]);
  const page = await readFile(PAGE, "utf8");
  if (process.env.TENURE_TEST_WRITE) await writeFile(PAGE, withPart(page, "JavaScript", made));
  else expect(page).toContain(made);
  // A page of another origin is given leave for each header that the client sends.
  const preflight = await user.ask("OPTIONS", "/threads", undefined, {
    ...{ Origin: OTHER_ORIGIN, "Access-Control-Request-Method": "POST" },
  });
  const allowed = (preflight.headers.get("Access-Control-Allow-Headers") ?? "").toLowerCase().split(", ");
  expect(headers).toContain("prefer");
  expect([...headers].filter((name) => !SAFE_HEADERS.has(name) && !allowed.includes(name))).toEqual([]);
});

const DONE = "carried out";

function verdictOn(method: string, option: string, without: string[], { sent, refusal }: Call): string {
  const isSent = JSON.stringify(sent) !== JSON.stringify(without);
  const isOwn = CLIENT_OWN.has(option) || CLIENT_OWN.has(`${method} ${option}`);
  if (isOwn) {
    // An option that a client begins to send is looked at anew.
    expect([method, option, isSent, refusal]).toEqual([method, option, false, undefined]);
    return "the client's own: nothing is sent";
  }
  if (!refusal) return DONE;
  const nowhere = NOWHERE.get(`${method} ${option}`);
  if (nowhere && refusal.status === 404) return nowhere;
  expect
    .soft([method, option, refusal.status, refusal.status === 501 ? "" : refusal.detail])
    .toEqual([method, option, 501, ""]);
  return `refused (501): ${refusal.detail}`;
}
