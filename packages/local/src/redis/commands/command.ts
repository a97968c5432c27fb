import type { Keyspace } from "../keyspace.ts";
import type { Reply } from "../reply.ts";

export interface Command {
  /** As in Redis' COMMAND: the number of arguments with the name; negative for "at least". */
  arity: number;
  write: boolean;
  /** `args` is without the name. Throws an ErrorReply. Decides before it changes anything. */
  run(db: Keyspace, args: string[]): Reply;
}

export type Commands = Record<string, Command>;

export const read = (arity: number, run: Command["run"]): Command => ({ arity, write: false, run });
export const write = (arity: number, run: Command["run"]): Command => ({ arity, write: true, run });

/** Consecutive pairs of a list of even length. */
export function pairs(list: string[]): [string, string][] {
  const result: [string, string][] = [];
  for (let i = 0; i + 1 < list.length; i += 2) result.push([list[i] as string, list[i + 1] as string]);
  return result;
}
