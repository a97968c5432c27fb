/**
 * Redis over a connection that the application holds, with a client of its own. The promises are those of redis/index.ts: one
 * deadline for each call, at most one execution of it, and a fault for whatever is not its well-formed answer.
 */
import { withDeadline } from "../deadline.ts";
import { type StoreFault, TenureError } from "../errors.ts";
import { asFault, faultOf, isMoved, isNoScript } from "./faults.ts";
import { malformedReply, type RedisStore, type Reply } from "./port.ts";
import { type Script, sealed } from "./script.ts";

export interface TcpOptions {
  /** The time that one call may take in milliseconds, waiting for a connection included. Default 1000. */
  deadlineMs?: number;
  /**
   * The number of replicas that have to confirm whatever ends something: a logout, a used code, a moved session, changed data. A
   * call that fewer confirm in time throws `store-unavailable`, outcome unknown, and is to be repeated. With the number of all
   * replicas that can be promoted, none of them brings back what had ended. Default 0: no replica is asked.
   */
  replicas?: number;
  /** Hears of each request that failed. */
  onFault?: (fault: StoreFault) => void;
}

/** A client's way to run a script. `script` is its source for `eval`, and its SHA-1 for `evalsha`. */
export interface Connection {
  run(command: Command, script: string, keys: string[], args: string[]): Promise<unknown>;
  /** Sends `WAIT` behind the script on the same connection, in the same write: another connection has waited for nothing. */
  runAndWait(
    command: Command,
    script: string,
    keys: string[],
    args: string[],
    wait: [replicas: string, timeoutMs: string],
  ): Promise<[reply: unknown, confirmed: unknown]>;
}

export type Command = "eval" | "evalsha";

export function storeOver(
  connection: Connection,
  { deadlineMs = 1000, replicas = 0, onFault }: TcpOptions = {},
): RedisStore {
  checkOptions({ deadlineMs, replicas });

  /** Runs a script by its name, and once by its source where the server does not know it: a refusal has run nothing. */
  async function run({ plain, ends }: Script, keys: string[], args: string[]): Promise<unknown> {
    const send = async (command: Command): Promise<unknown> => {
      const script = command === "eval" ? plain.source : plain.sha;
      if (!ends || replicas === 0) return connection.run(command, script, keys, args);
      const wait: [string, string] = [String(replicas), String(deadlineMs)];
      const [reply, confirmed] = await connection.runAndWait(command, script, keys, args, wait);
      if (!(typeof confirmed === "number" && confirmed >= replicas)) throw new NotReplicated();
      return reply;
    };
    const anew = (error: unknown): Promise<unknown> => {
      if (!isNoScript(error)) throw error;
      return send("eval");
    };
    return send("evalsha")
      .catch(async (error: unknown) => {
        if (!isMoved(error)) throw error;
        // A pipeline is not sent on to where its slot has moved, as a single command is, which tells the client.
        await connection.run("eval", "return 1", keys, []);
        return send("evalsha");
      })
      .catch(anew);
  }

  return {
    async evaluate(script, keys, args) {
      const { args: argv, open } = sealed(args);
      let reply: unknown;
      try {
        reply = await withDeadline(deadlineMs, (signal) => before(signal, run(script, keys, argv)));
      } catch (error) {
        const fault = faultOf(error);
        if (fault) onFault?.({ operation: "evalsha", ...fault });
        throw asFault(error);
      }
      const answer = open(asReply(reply));
      if (answer === undefined) {
        onFault?.({ operation: "evalsha", error: "MalformedReply", isPermanent: false });
        throw malformedReply();
      }
      return answer;
    },
  };
}

/** Fewer replicas than asked for have a write, which has landed on the primary. */
class NotReplicated extends Error {
  override readonly name = "NotReplicated";
}

function checkOptions(options: { deadlineMs: number; replicas: number }): void {
  const problems = Object.entries(options)
    .filter(([name, value]) => !Number.isSafeInteger(value) || value < (name === "replicas" ? 0 : 1))
    .map(
      ([name, value]) => `${name} must be a whole number ${name === "replicas" ? "from 0" : "above 0"}, not ${value}`,
    );
  if (problems.length > 0) throw new TenureError({ tag: "misconfigured", problems });
}

/** Rejects when the signal is aborted first; what the client says later is nobody's. */
function before<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => {});
  return new Promise<T>((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}

/** Text for the bytes of a client that is set to give bytes. */
function asReply(reply: unknown): Reply {
  if (Array.isArray(reply)) return reply.map(asReply);
  return reply instanceof Uint8Array ? Buffer.from(reply).toString() : (reply as Reply);
}
