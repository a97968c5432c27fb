/** Calls one method of the JavaScript client with one option, and says what was sent and how the server answered. */
import { Client } from "@langchain/langgraph-sdk";
import { METHODS } from "./driven.ts";
import type { Things, Values } from "./values.ts";

/** How one call went: what was sent, and the first answer that was no success. */
export interface Call {
  sent: string[];
  refusal: { status: number; detail: string } | undefined;
  /** Names of the headers that were sent. */
  headers: Set<string>;
}

/** Calls a method with one option, or with none, by a client whose requests are recorded; `text`: with this text in place of the option's usual value. */
export async function call(
  method: string,
  option: string | undefined,
  things: Things,
  { apiUrl, apiKey }: { apiUrl: string; apiKey: string },
  text?: string,
): Promise<Call> {
  const [drive, values] = METHODS[method] ?? [];
  if (!drive || !values) throw new Error(`${method} is a method that this test does not know: add it to METHODS`);
  const known: Values = { signal: () => new AbortController().signal, ...values };
  const value = option === undefined ? undefined : known[option];
  if (option !== undefined && !value) throw new Error(`${method} has an option ${option}: add a value to METHODS`);
  const made: Call = { sent: [], refusal: undefined, headers: new Set() };
  const recorded = async (...[input, init]: Parameters<typeof fetch>) => {
    const asked = new Request(input, init);
    const url = new URL(asked.url);
    for (const [name] of asked.headers) made.headers.add(name);
    const body: unknown = JSON.parse((await asked.clone().text()) || "{}");
    const headers = ["last-event-id", "prefer"].flatMap((name) => asked.headers.get(name) ?? []);
    made.sent.push(...[...url.searchParams].map(String), ...fieldsOf(body), ...headers, asked.method, url.pathname);
    const answer = await fetch(asked);
    if (answer.status >= 400 && !made.refusal)
      made.refusal = { status: answer.status, detail: ((await answer.clone().json()) as { detail: string }).detail };
    return answer;
  };
  const client = new Client({ apiUrl, apiKey, callerOptions: { maxRetries: 0, fetch: recorded as typeof fetch } });
  const usual = value?.(things);
  const given = text === undefined ? usual : Array.isArray(usual) ? [text] : text;
  const failure = await drive(client, value ? { [option as string]: given } : {}, things).then(
    () => undefined,
    (error: unknown) => error,
  );
  // A stream of version 2 has a way of its own to the network, and its error has the answer.
  const { status, text: answer } = (failure ?? {}) as { status?: number; text?: string };
  if (failure && !made.refusal && status !== undefined && answer !== undefined)
    made.refusal = { status, detail: (JSON.parse(answer) as { detail: string }).detail };
  if (failure && !made.refusal)
    throw new Error(`${method} with ${option} failed without an answer that says why`, { cause: failure });
  return { ...made, sent: made.sent.map(shape) };
}

const fieldsOf = (body: unknown): string[] =>
  Object.entries(Array.isArray(body) ? (body[0] as object) : (body as object)).map((entry) => JSON.stringify(entry));

/** A text with its ids left out: each call may be about another thing. */
const shape = (text: string) => text.replace(/[\da-f]{8}-[\da-f-]{27}/g, "…");
