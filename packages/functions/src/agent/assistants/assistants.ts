/** Assistants as clients know them: each graph is one by itself, and users make further ones of their own. */
import { v5 } from "@langchain/core/utils/uuid";
import { refuseDamaged, TenureError } from "@tenure/core/errors";
import type { AgentDeps } from "../deps.ts";
import type { AssistantDescription } from "./description.ts";

/** The namespace under which the LangGraph server derives a graph's own assistant id (UUID version 5). */
const NAMESPACE = "6ba7b821-9dad-11d1-80b4-00c04fd430c8";

const graphAssistantId = (graphId: string): string => v5(graphId, NAMESPACE);

/** The assistants that the graphs are. They belong to nobody and stay as they are. */
export function graphAssistants({
  graphs,
  defaults,
  startedAt,
}: Pick<AgentDeps, "graphs" | "defaults" | "startedAt">): AssistantDescription[] {
  return [...graphs.keys()].map((graphId) => ({
    id: graphAssistantId(graphId),
    graphId,
    version: 1,
    name: graphId,
    description: null,
    config: defaults[graphId]?.config ?? {},
    context: defaults[graphId]?.context ?? {},
    metadata: { created_by: "system" },
    createdAt: startedAt,
    updatedAt: startedAt,
  }));
}

/** The assistant of this id, or of the graph of this name, for a run; throws `assistant-not-found` and `record-damaged`. */
export async function assistantOf(deps: AgentDeps, asked: string, owner: string): Promise<AssistantDescription> {
  const found = await shownAssistant(deps, asked, owner);
  refuseDamaged(found);
  return found;
}

/** The same as far as it can be read; throws `assistant-not-found`. */
export async function shownAssistant(deps: AgentDeps, asked: string, owner: string): Promise<AssistantDescription> {
  const graph = graphAssistants(deps).find(({ id, graphId }) => asked === id || asked === graphId);
  if (graph) return graph;
  const own = await deps.assistants.get(asked, owner);
  if (!own) throw new TenureError({ tag: "assistant-not-found", assistantId: asked });
  return own;
}
