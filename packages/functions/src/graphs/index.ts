/**
 * The graphs that this service runs, by the name that clients use as `assistant_id`. To add one, write a file
 * beside agent.ts and add its line to `graphs`. See docs/agents.md.
 */
import { agent } from "./agent.ts";
import type { GraphContext, GraphFactory, GraphMaker, Graphs } from "./graph.ts";

import { asUserCode } from "./user-code.ts";

export type { Graph, GraphContext, GraphFactory, GraphMaker, Graphs } from "./graph.ts";

const graphs: Record<string, GraphFactory> = {
  agent,
};

export function compileGraphs(context: GraphContext, factories: Record<string, GraphFactory> = graphs): Graphs {
  const compiled = Object.entries(factories).map(([name, make]): [string, GraphMaker] => {
    const graph = make(context);
    return [
      name,
      typeof graph === "function" ? (config) => asUserCode({ graph: name }, () => graph(config)) : () => graph,
    ];
  });
  return new Map(compiled);
}
