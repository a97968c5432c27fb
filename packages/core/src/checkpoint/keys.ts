import type { Key } from "../dynamo/index.ts";

/** Names one checkpoint of one thread. */
export interface CheckpointRef {
  threadId: string;
  namespace: string;
  checkpointId: string;
}

/** `#` separates the parts of a sort key, so it is escaped inside of them. */
const encodePart = (part: string) => part.replace(/[%#]/g, (char) => (char === "%" ? "%25" : "%23"));
const decodePart = (part: string) => part.replace(/%2[35]/g, (code) => (code === "%25" ? "%" : "#"));

const PARTITION = "checkpoint#";
export const HEADS = "head#";

export const partition = (threadId: string): string => PARTITION + threadId;
export const threadOf = (pk: string): string | undefined =>
  pk.startsWith(PARTITION) ? pk.slice(PARTITION.length) : undefined;

export const headsOf = (namespace: string): string => `${HEADS}${encodePart(namespace)}#`;
export const headKey = ({ threadId, namespace, checkpointId }: CheckpointRef): Key => ({
  pk: partition(threadId),
  sk: headsOf(namespace) + encodePart(checkpointId),
});

/** The reference that a head's key was made from. */
export function parseHeadKey({ pk, sk }: Key): CheckpointRef {
  const [, namespace = "", checkpointId = ""] = sk.split("#");
  return { threadId: threadOf(pk) ?? "", namespace: decodePart(namespace), checkpointId: decodePart(checkpointId) };
}

export const writesOf = ({ namespace, checkpointId }: CheckpointRef): string =>
  `writes#${encodePart(namespace)}#${encodePart(checkpointId)}#`;
export const writesKey = (ref: CheckpointRef, taskId: string): Key => ({
  pk: partition(ref.threadId),
  sk: writesOf(ref) + encodePart(taskId),
});

export const segmentsOf = (blobId: string): string => `segment#${blobId}#`;
export const segmentKey = (threadId: string, blobId: string, index: number): Key => ({
  pk: partition(threadId),
  sk: segmentsOf(blobId) + String(index).padStart(6, "0"),
});
