/**
 * LangGraph's Python client on this server: every option is carried out or refused by its name, as docs/client-options.md has it
 * (`TENURE_TEST_WRITE=1` writes the table), and the life of a thread goes as it does by the JavaScript client.
 */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openWindows } from "@tenure/local/limits";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { saying } from "../support/service/saying.ts";
import { openUserApi, type UserApi } from "../support/service/user-api.ts";
import { dynamoEngines } from "../support/stores/dynamo.ts";
import { pythonProgram } from "../support/stores/found.ts";
import { PAGE, part, withPart } from "./page.ts";

interface Call {
  sent: string[];
  refusal: { status: number; detail: string } | null;
}
/** By method. An option without a call is one that drive.py has no value for. */
type Driven = Record<string, { without: Call; options: Record<string, Call | null> }>;

/** Options that the client keeps for itself. */
const CLIENT_OWN = new Set(["on_run_created", "raise_error", "response_format", "version"]);
const execute = promisify(execFile);
const program = (name: string) => fileURLToPath(new URL(`python/${name}`, import.meta.url));

describe.skipIf(!pythonProgram)("the Python client", () => {
  let user: UserApi;
  let at: [url: string, token: string];
  beforeAll(async () => {
    const [engine] = dynamoEngines as [(typeof dynamoEngines)[number]];
    user = await openUserApi(engine, { graphs: { saying } }, { windows: openWindows });
    at = [await user.api.serve(), await user.api.logIn("ada@example.com")];
  });
  afterAll(() => user?.close());

  const python = async (name: string) =>
    (await execute(pythonProgram as string, [program(name), ...at], { maxBuffer: 64 * 1024 * 1024 })).stdout;

  it("lives through a thread", async () => {
    expect(await python("life.py")).toBe("lived\n");
  });

  it("has every option carried out or refused by its name, and the page says which", async () => {
    const driven = JSON.parse(await python("drive.py")) as Driven;
    const rows: string[] = [];
    for (const [method, { without, options }] of Object.entries(driven)) {
      if (without.refusal?.status === 501) {
        rows.push(`| \`${method}\` | all | refused (501): ${without.refusal.detail} |`);
        continue;
      }
      expect.soft([method, without.refusal]).toEqual([method, null]);
      const verdicts = new Map<string, string[]>();
      for (const [option, call] of Object.entries(options)) {
        const verdict = verdictOn(method, option, call, without);
        verdicts.set(verdict, [...(verdicts.get(verdict) ?? []), `\`${option}\``]);
      }
      for (const [verdict, names] of verdicts) rows.push(`| \`${method}\` | ${names.join(", ")} | ${verdict} |`);
    }
    const made = part("Python", ["| method | options | |", "|---|---|---|", ...rows]);
    const page = await readFile(PAGE, "utf8");
    if (process.env.TENURE_TEST_WRITE) await writeFile(PAGE, withPart(page, "Python", made));
    else expect(page).toContain(made);
  });
});

function verdictOn(method: string, option: string, call: Call | null, without: Call): string {
  expect([method, option, call !== null]).toEqual([method, option, true]);
  const { sent, refusal } = call as Call;
  if (CLIENT_OWN.has(option) && method !== "assistants.set_latest") {
    // An option that a client begins to send is looked at anew.
    expect([method, option, shape(sent), refusal]).toEqual([method, option, shape(without.sent), null]);
    return "the client's own: nothing is sent";
  }
  if (!refusal) return "carried out";
  expect
    .soft([method, option, refusal.status, refusal.status === 501 ? "" : refusal.detail])
    .toEqual([method, option, 501, ""]);
  return `refused (501): ${refusal.detail}`;
}

/** Texts with their ids left out: each call may be about another thing. */
const shape = (sent: string[]) => sent.map((text) => text.replace(/[\da-f]{8}-[\da-f-]{27}/g, "…"));
