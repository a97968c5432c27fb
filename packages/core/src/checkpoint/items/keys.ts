import type { Key } from "../../dynamo/index.ts";

/** Names one checkpoint of one thread. */
export interface CheckpointRef {
  threadId: string;
  namespace: string;
  checkpointId: string;
}

export const whatOf = ({ threadId, checkpointId }: CheckpointRef): string =>
  `checkpoint ${checkpointId} of thread ${threadId}`;

/** `#` separates the parts of a sort key, so it is escaped inside of them. */
export const encodePart = (part: string) => part.replace(/[%#]/g, (char) => (char === "%" ? "%25" : "%23"));
export const decodePart = (part: string) => part.replace(/%2[35]/g, (code) => (code === "%25" ? "%" : "#"));

const PARTITION = "checkpoint#";
export const HEADS = "head#";

export const partition = (threadId: string): string => PARTITION + threadId;
export const threadOf = (pk: string): string | undefined =>
  pk.startsWith(PARTITION) ? pk.slice(PARTITION.length) : undefined;

/** Returns the prefix of the sort keys of a namespace's heads, or of all namespaces' when none is named. */
export const headsOf = (namespace: string | undefined): string =>
  namespace === undefined ? HEADS : `${HEADS}${encodePart(namespace)}#`;
export const headKey = ({ threadId, namespace, checkpointId }: CheckpointRef): Key => ({
  pk: partition(threadId),
  sk: headsOf(namespace) + encodePart(checkpointId),
});

/** The key at a position of a namespace's order: that of a head, or of a pointer to one. See order.ts. */
export const positionKey = ({ threadId, namespace }: Omit<CheckpointRef, "checkpointId">, position: string): Key => ({
  pk: partition(threadId),
  sk: headsOf(namespace) + position,
});

/** The namespace and the position that `positionKey` was made from. */
export function parsePositionKey({ pk, sk }: Key): Omit<CheckpointRef, "checkpointId"> & { position: string } {
  const [, namespace = "", ...position] = sk.split("#");
  return { threadId: threadOf(pk) ?? "", namespace: decodePart(namespace), position: position.join("#") };
}

export const WRITES = "writes#";
export const SEGMENTS = "segment#";
export const writesOf = ({ namespace, checkpointId }: CheckpointRef): string =>
  `${WRITES}${encodePart(namespace)}#${encodePart(checkpointId)}#`;
export const namespaceOf = (sk: string): string => decodePart(sk.split("#")[1] ?? "");
export const checkpointOf = (sk: string): string => decodePart(sk.split("#")[2] ?? "");
export const taskOf = (sk: string): string => decodePart(sk.split("#")[3] ?? "");
export const writesKey = (ref: CheckpointRef, taskId: string): Key => ({
  pk: partition(ref.threadId),
  sk: writesOf(ref) + encodePart(taskId),
});

const ORDINAL_DIGITS = 6;
export const segmentKey = (threadId: string, { series, ordinal }: { series: string; ordinal: number }): Key => ({
  pk: partition(threadId),
  sk: `${SEGMENTS}${series}#${String(ordinal).padStart(ORDINAL_DIGITS, "0")}`,
});
export const seriesOf = (sk: string): string => sk.split("#")[1] ?? "";
export const ordinalOf = (sk: string): number => Number(sk.split("#")[2]);

export const blobPartsOf = (blobId: string): string => `blob#${blobId}#`;
export const blobPartKey = (pk: string, blobId: string, index: number): Key => ({
  pk,
  sk: blobPartsOf(blobId) + String(index).padStart(ORDINAL_DIGITS, "0"),
});
