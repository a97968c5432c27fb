import type { Assistant } from "@tenure/core/assistant";

/** An assistant as clients are shown it: one of a graph's, which is nobody's, or one of a user's. */
export type AssistantDescription = Omit<Assistant, "owner">;

/** By graph: what its own assistant is configured with. */
export type AssistantDefaults = Record<string, Partial<Pick<Assistant, "config" | "context">>>;
