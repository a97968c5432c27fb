/**
 * Assistants: graphs with a configuration of one's own, and the versions that they had.
 *
 * @example
 * import { createAssistantStore } from "@tenure/core/assistant";
 * import { systemClock } from "@tenure/core/clock";
 * import { connectDynamo, Table } from "@tenure/core/dynamo";
 *
 * const table = new Table({ client: connectDynamo({}), tableName: "tenure", clock: systemClock });
 * const assistants = createAssistantStore(table, systemClock);
 * const mine = await assistants.list("user_ada");
 */
export { createAssistantStore } from "./dynamo.ts";
export type { Assistant, AssistantChange, AssistantStore } from "./store.ts";
