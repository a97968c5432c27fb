/**
 * The JSON of a run's events. Streamed tokens are most of them, and all of one token is as in the next but for its content: the
 * message's other fields, and the metadata of the model's call, which is one object for all of them and serialized once. That is
 * given apart, as the `tail` of the event's text.
 */
import { AIMessageChunk } from "@langchain/core/messages";
import { errorJson, stringify } from "../../../http/json.ts";
import type { RunEvent } from "./events.ts";

/** A text in two parts; `tail` is the very same string for all events that share it. */
export interface EventText {
  head: string;
  tail?: string;
}

/** `metadata`, the first event of every attempt. It depends on nothing else, so that it can be told before the run begins. */
export const metadataOf = (runId: string, attempt: number): EventText => ({
  head: stringify({ run_id: runId, attempt }),
});

/** For one run. LangGraph makes a call's metadata once and hands it on with each token. */
export class EventJson {
  private readonly metadata = new WeakMap<object, string>();
  /** The tail that was given last, and what it is made of. */
  private last: { rest: string; metadata: object; tail: string } | undefined;

  /** Throws an error that names the event and the part of it that has no JSON. */
  textOf({ event, data }: RunEvent): EventText {
    try {
      if (isToken(event, data)) {
        const { head, rest } = messageJson(data[0]);
        return { head: `[${head}`, tail: this.tailOf(rest, data[1]) };
      }
    } catch {
      // Told below, by its path in the whole event.
    }
    try {
      // A graph may have no value to tell; a node that tells one that is none has made a mistake.
      return { head: stringify(data === undefined && !event.startsWith("custom") ? null : data) };
    } catch (cause) {
      throw new Error(`A ${event} event has no JSON: ${errorJson(cause).message}`, { cause });
    }
  }

  private tailOf(rest: string, metadata: object): string {
    const { last } = this;
    if (last?.rest === rest && last.metadata === metadata) return last.tail;
    const text = this.metadata.get(metadata) ?? stringify(metadata);
    this.metadata.set(metadata, text);
    const tail = `${rest},${text}]`;
    this.last = { rest, metadata, tail };
    return tail;
  }
}

/** True for a message and its metadata, as `messages-tuple` streams them, within a sub-graph too. */
const isToken = (event: string, data: unknown): data is [unknown, object] =>
  /^messages(?:\||$)/.test(event) &&
  Array.isArray(data) &&
  data.length === 2 &&
  typeof data[1] === "object" &&
  data[1] !== null;

/** Fields that LangChain writes under their own names. */
const PLAIN = new Set([
  ...["id", "name", "additional_kwargs", "response_metadata", "usage_metadata"],
  ...["tool_calls", "invalid_tool_calls", "tool_call_chunks"],
]);

/**
 * A message's JSON, parted after its content where it is a token of text. LangChain's own way goes through every prototype of the
 * message and copies each value twice, which a token does not need: its fields are written as they are.
 */
export function messageJson(message: unknown): { head: string; rest: string } {
  const whole = () => ({ head: stringify(message), rest: "" });
  if (!(message instanceof AIMessageChunk) || message.constructor !== AIMessageChunk) return whole();
  const [first, ...names] = Object.keys(message.lc_kwargs);
  const { content } = message;
  if (first !== "content" || typeof content !== "string") return whole();
  const fields: Record<string, unknown> = {};
  for (const name of names) {
    const value: unknown = name in message ? message[name as keyof AIMessageChunk] : message.lc_kwargs[name];
    if (!PLAIN.has(name) || !isFlat(value)) return whole();
    fields[name] = value;
  }
  fields.type = message.getType();
  return { head: `{"content":${JSON.stringify(content)}`, rest: `,${JSON.stringify(fields).slice(1)}` };
}

/** True for a value that has no further objects in it. */
function isFlat(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return typeof value !== "bigint";
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Array.prototype || prototype === Object.prototype) && Object.keys(value).length === 0;
}
