/**
 * Serializes values, and refuses those that the serializer would not give back. LangGraph's own never says so: it writes
 * a sentence in place of a value, or no bytes, or what LangChain then refuses to load.
 *
 * Refused is a value that would not come back at all. One that LangGraph's savers give back changed stays accepted, changed in
 * the same way: a date as text, `NaN` as null, a function in a field as nothing, a circle as "[Circular]".
 *
 * A value of LangGraph's serializer is loaded for the check only when a look at its new bytes leaves a doubt. A serializer
 * of one's own is asked to load each value that has changed.
 */
import { JsonPlusSerializer, type SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { isTenureError, TenureError } from "../../errors.ts";
import { corrupt } from "../corrupt.ts";
import { type Dumped, view } from "./codec.ts";
import { culpritOf, LOAD_LEVELS } from "./culprit.ts";
import { tailOf } from "./tail.ts";
import { withoutUndefinedFields } from "./undefined-fields.ts";

/** The value that is serialized, for error messages. */
export interface Subject {
  /** In an error, like "channel messages". */
  what: string;
  /** Paths begin with it, like "messages". */
  root: string;
}

export const channelSubject = (name: string): Subject => ({ what: `channel ${name}`, root: name });

/** The text that LangGraph's serializer writes for a value that `JSON.stringify` throws at. */
const PLACEHOLDER = Buffer.from('"[unable to serialize, circular reference is too complex to analyze]"');
/** LangChain counts levels in its own way, and a message that is loaded can have some more than its text. */
const SURE_LEVELS = LOAD_LEVELS - 10;
/**
 * The signs of a doubt: a LangChain object that is no message, and what the constructors of messages may throw at. A quote
 * within a string has a backslash, so each `"lc":1` is a key with its value.
 */
const DOUBT = new RegExp(
  [
    String.raw`"lc":1(?!,"type":"constructor","id":\["langchain_core","messages","` +
      String.raw`(?:AI|Chat|Function|Human|Remove|System|Tool)Message(?:Chunk)?"\],"kwargs":\{)`,
    `"output_version":`,
    `"content_blocks":`,
    String.raw`"response_metadata":(?!\{)`,
    String.raw`"tool_call_chunks":(?!\[)`,
  ].join("|"),
);

export class CheckedSerde {
  private readonly serde: SerializerProtocol;
  /** True for LangGraph's own serializer, whose output is known here. */
  private readonly isKnown: boolean;

  constructor(serde: SerializerProtocol) {
    this.serde = serde;
    this.isKnown = Object.getPrototypeOf(serde) === JsonPlusSerializer.prototype;
  }

  /** Serializes, and checks all of it. Throws `invalid-input` naming the subject and the path of what cannot be stored. */
  async dumpChecked(value: unknown, subject: Subject): Promise<Dumped> {
    const dumped = await this.dump(value, subject);
    await this.check(dumped, 0, value, subject);
    return dumped;
  }

  /** Serializes; throws `invalid-input` when that fails. The bytes are nobody else's. */
  async dump(value: unknown, subject: Subject): Promise<Dumped> {
    const fault = await this.try(value, false);
    if (!("dumped" in fault)) throw await this.refusal(value, subject, fault.error);
    return fault.dumped;
  }

  /** Throws `invalid-input` when a value would not come back. Its first `kept` bytes have been checked before. */
  async check(dumped: Dumped, kept: number, value: unknown, subject: Subject): Promise<void> {
    if (kept > 0 && kept === dumped.bytes.length) return;
    const error = await this.loadFault(dumped, kept, value);
    if (error !== undefined) throw await this.refusal(value, subject, error);
  }

  /** Loads what is stored; throws `store-corrupt` naming `what` when the serializer does not. */
  async load<T>({ type, bytes: stored }: { type: string; bytes: Uint8Array }, what: () => string): Promise<T> {
    // A copy, and no Buffer: what a graph does with a value must not reach what is kept for comparison.
    const bytes = type === "bytes" ? Uint8Array.from(stored) : stored;
    try {
      return (await this.serde.loadsTyped(type, bytes)) as T;
    } catch (cause) {
      throw isTenureError(cause) ? cause : corrupt(what(), { cause });
    }
  }

  private async try(value: unknown, andLoad: boolean): Promise<{ dumped: Dumped } | { error: Error }> {
    try {
      const [type, bytes] = await this.serde.dumpsTyped(value);
      if (!(bytes instanceof Uint8Array) || (this.isKnown && isNothing(value, type, bytes)))
        return { error: new TypeError("The serializer wrote no value") };
      const own = value instanceof Uint8Array ? Buffer.from(bytes) : view(bytes);
      const dumped = { type, bytes: this.isKnown && type === "json" ? withoutUndefinedFields(own) : own };
      const error = andLoad ? await this.loadFault(dumped, 0, value) : undefined;
      return error === undefined ? { dumped } : { error };
    } catch (cause) {
      return { error: toError(cause) };
    }
  }

  /** The reason why these bytes, beyond the first `kept`, cannot be loaded; undefined when they can. */
  private async loadFault({ type, bytes }: Dumped, kept: number, value: unknown): Promise<Error | undefined> {
    if (this.isKnown && type === "bytes") return undefined;
    try {
      if (!this.isKnown) {
        const loaded: unknown = await this.serde.loadsTyped(type, bytes);
        return isKindKept(value, loaded) ? undefined : new TypeError("The serializer gives back something else");
      }
      const { from, nesting } = tailOf(bytes, kept);
      const tail = bytes.subarray(from);
      if (nesting <= SURE_LEVELS && !DOUBT.test(tail.toString("latin1"))) return undefined;
      await this.serde.loadsTyped(type, from > 0 ? Buffer.concat([Buffer.from("["), tail]) : tail);
      return undefined;
    } catch (cause) {
      return toError(cause);
    }
  }

  private async refusal(value: unknown, { what, root }: Subject, cause: Error): Promise<TenureError> {
    const faultOf = async (one: unknown) => {
      const outcome = await this.try(one, true);
      return "error" in outcome ? outcome.error : undefined;
    };
    const { path, trouble } = await culpritOf(value, cause, faultOf);
    const issue =
      `${what} cannot be stored: ${root}${path} ${trouble}. ` +
      "Change it to plain data before it is returned, or keep it out of the state";
    return new TenureError({ tag: "invalid-input", issues: [issue] }, { cause });
  }
}

function isNothing(value: unknown, type: string, bytes: Uint8Array): boolean {
  if (type === "bytes") return false;
  return bytes.length === 0 || (typeof value !== "string" && PLACEHOLDER.equals(bytes));
}

/**
 * True when a serializer of one's own has kept what a value is, whatever else it changes. An object with a `toJSON` says itself
 * what it becomes.
 */
function isKindKept(value: unknown, loaded: unknown): boolean {
  if (value === undefined || value === null || typeof value === "number") return true;
  if (Array.isArray(value)) return Array.isArray(loaded);
  if (typeof value !== "object") return loaded !== undefined && loaded !== null;
  if ("toJSON" in value && typeof value.toJSON === "function") return true;
  return typeof loaded === "object" && loaded !== null;
}

const toError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(String(cause)));
