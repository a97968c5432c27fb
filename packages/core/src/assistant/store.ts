import type { Damage } from "../damage.ts";

/** A graph with a configuration of one's own. Instants are epoch milliseconds. */
export interface Assistant {
  id: string;
  owner: string;
  graphId: string;
  version: number;
  name: string;
  description: string | null;
  config: Record<string, unknown>;
  context: Record<string, unknown>;
  metadata: Record<string, unknown>;
  createdAt: number;
  updatedAt: number;
  /** Set when the record cannot be read; its id, owner and version can. */
  damage?: Damage | undefined;
}

export type AssistantChange = Partial<
  Pick<Assistant, "graphId" | "name" | "description" | "config" | "context" | "metadata">
>;

/**
 * Assistants and their versions. One of another owner is the same as none. Every method throws `store-unavailable` when
 * DynamoDB does not answer in time. One that cannot be read is shown with its `damage`, can be removed, and is mended by
 * `use` of a version that can be read; `change` throws `record-damaged` for it.
 */
export interface AssistantStore {
  /** Makes an assistant, version 1; false when the id is taken, by whomever. Unknown outcome: repeat it. */
  create(assistant: Omit<Assistant, "version" | "createdAt" | "updatedAt">): Promise<Assistant | false>;

  get(id: string, owner: string): Promise<Assistant | undefined>;

  /** Lists an owner's assistants, the newest first. One of this very moment may not be among them yet. */
  list(owner: string): AsyncGenerator<Assistant>;

  /** Makes a new version, the highest and the latest; its metadata is added to what was there, the rest replaced. */
  change(id: string, owner: string, change: AssistantChange): Promise<Assistant | undefined>;

  /** The versions, the highest first. */
  versions(id: string, owner: string): AsyncGenerator<Assistant>;

  /** Makes an earlier version the one that is used. Undefined when there is no such version. */
  use(id: string, owner: string, version: number): Promise<Assistant | undefined>;

  /** False when there was none. Repeat it after an unknown outcome. */
  remove(id: string, owner: string): Promise<boolean>;

  /** The ids of all assistants of an owner. Each that `create` has made is among them. */
  idsOf(owner: string): AsyncGenerator<string>;
}
