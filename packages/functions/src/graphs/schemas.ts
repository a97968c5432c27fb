/** The JSON Schemas of a graph's state, input, output and context. */
import { toJsonSchema } from "@langchain/core/utils/json_schema";
import { isZodSchemaV3, isZodSchemaV4 } from "@langchain/core/utils/types";
import {
  getConfigTypeSchema,
  getInputTypeSchema,
  getOutputTypeSchema,
  getUpdateTypeSchema,
} from "@langchain/langgraph/zod/schema";
import type { Graph } from "./graph.ts";

/** Null for what is not known. */
export interface GraphSchemas {
  state: unknown;
  input: unknown;
  output: unknown;
  config: unknown;
}

/** By graph, and by the namespace of its subgraphs, "" being its own: what `npm run schemas` has read in their sources. */
export type SourceSchemas = Record<string, Record<string, Partial<GraphSchemas>>>;

/**
 * A graph whose state is a StateSchema, or declared with Zod, knows its schemas. Of others nothing is known at run time:
 * types are gone by then, so it is as their source had it.
 */
export function schemasOf(graph: Graph, fromSource: Partial<GraphSchemas> = {}): GraphSchemas {
  const known = atRunTime(graph);
  return {
    state: known.state ?? fromSource.state ?? null,
    input: known.input ?? fromSource.input ?? null,
    output: known.output ?? fromSource.output ?? null,
    config: known.config ?? fromSource.config ?? null,
  };
}

interface StateSchema {
  getJsonSchema(): object;
  getInputJsonSchema(): object;
}

const isStateSchema = (value: unknown): value is StateSchema =>
  typeof value === "object" && value !== null && "getJsonSchema" in value && "getInputJsonSchema" in value;

function atRunTime(graph: Graph): GraphSchemas {
  const builder = (graph.builder ?? {}) as unknown as Record<string, unknown>;
  const { _schemaRuntimeDefinition: state, _inputRuntimeDefinition: input, _outputRuntimeDefinition: output } = builder;
  const config = zodSchema(builder._configRuntimeSchema) ?? attempt(() => getConfigTypeSchema(graph));
  if (isStateSchema(state))
    return {
      state: state.getJsonSchema(),
      input: isStateSchema(input) ? input.getInputJsonSchema() : state.getInputJsonSchema(),
      output: isStateSchema(output) ? output.getJsonSchema() : state.getJsonSchema(),
      config,
    };
  const whole = attempt(() => getUpdateTypeSchema(graph)) ?? zodSchema(state);
  return {
    state: whole,
    input: attempt(() => getInputTypeSchema(graph)) ?? zodSchema(input) ?? whole,
    output: attempt(() => getOutputTypeSchema(graph)) ?? zodSchema(output) ?? whole,
    config,
  };
}

const zodSchema = (value: unknown): unknown =>
  isZodSchemaV3(value) || isZodSchemaV4(value) ? attempt(() => toJsonSchema(value)) : null;

function attempt(schema: () => unknown): unknown {
  try {
    return schema() ?? null;
  } catch {
    return null;
  }
}
