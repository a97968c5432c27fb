import type { ChannelVersions, Checkpoint } from "@langchain/langgraph-checkpoint";
import type { Incarnation } from "../../incarnation.ts";
import { unlessCorrupt } from "../corrupt.ts";
import type { HeadCache } from "./head-reader.ts";
import type { Heads } from "./heads.ts";
import type { CheckpointRef } from "./keys.ts";
import type { Values } from "./values.ts";

/**
 * The channels whose values a checkpoint without a parent does not bring along. It says by `newVersions` which of its
 * values are its own. Any other one is kept if the thread holds it at that version already, as in a copy of a first
 * checkpoint, and is else left out: LangGraph's validation suite has such values. With a parent, `newVersions` is not to
 * be relied on: a fork passes none and means all.
 */
export async function leftOut(
  heads: Heads,
  values: Values,
  ref: CheckpointRef,
  given: Incarnation | undefined,
  checkpoint: Checkpoint,
  newVersions: ChannelVersions,
): Promise<Set<string>> {
  const names = Object.keys(checkpoint.channel_values).filter((name) => !Object.hasOwn(newVersions, name));
  const unknown = new Set(names);
  if (names.length === 0 || (given && heads.isEmptyUnder(ref, given))) return unknown;
  const keyframes: HeadCache = new Map();
  for await (const { ref: of, head: stored } of heads.byId(ref.threadId, ref.namespace)) {
    const head = stored && (await heads.whole(of, stored, keyframes).catch(unlessCorrupt));
    const body = head && (await values.body(of, head).catch(unlessCorrupt));
    if (!body) continue;
    const { channel_versions: versions } = body;
    for (const name of unknown)
      if (head.contents.channels.has(name) && versions[name] === checkpoint.channel_versions[name])
        unknown.delete(name);
  }
  return unknown;
}
