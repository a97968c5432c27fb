/** Assistants: graphs with a configuration of one's own, and the versions that they had. */
export { createAssistantStore } from "./dynamo.ts";
export type { Assistant, AssistantChange, AssistantStore } from "./store.ts";
