/**
 * JSON Schemas of graphs whose state is declared by TypeScript types alone, as with `Annotation`: read in their sources by
 * LangGraph's own extractor, since a running graph no longer knows them.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { TenureError } from "@tenure/core/errors";
import type { GraphSchemas, SourceSchemas } from "@tenure/functions/graphs/schemas";

/** With the compiler that it needs: these are guests, and no dependencies of what is deployed. */
const EXTRACTOR = [
  "@langchain/langgraph-api@1.5.1",
  "@langchain/langgraph@1.7.3",
  "@langchain/langgraph-checkpoint@1.2.2",
  "@langchain/core@1.4.0",
  "typescript@5.9.3",
];
const TIMEOUT_MS = 120_000;

/** `file:export`, as langgraph.json has it, by the graph's name. */
export type GraphSources = Record<string, string>;

/** Reads `name=file:export` for each graph; throws `misconfigured` with every problem. */
export function graphSources(args: string[]): GraphSources {
  const problems: string[] = [];
  const sources: GraphSources = {};
  for (const arg of args) {
    const [, name, file, exported] = /^([^=]+)=(.+):([\w$]+)$/.exec(arg) ?? [];
    if (!name || !file || !exported) problems.push(`"${arg}" must be name=file:export`);
    else if (!existsSync(file)) problems.push(`${file}, of graph ${name}, is not there`);
    else sources[name] = `${resolve(file)}:${exported}`;
  }
  if (args.length === 0)
    problems.push("name graphs: npm run schemas -- chat=packages/functions/src/graphs/chat.ts:chat [...]");
  if (problems.length > 0) throw new TenureError({ tag: "misconfigured", problems });
  return sources;
}

/** Brings the extractor into a folder, from the npm registry, unless it is there; says so first. */
export function installExtractor(folder: string, say: (line: string) => void): void {
  if (existsSync(join(folder, "node_modules/@langchain/langgraph-api"))) return;
  say("installing LangGraph's extractor and a TypeScript compiler for it");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), "{}");
  const options = ["--no-audit", "--no-fund", "--loglevel=error", "--legacy-peer-deps"];
  execFileSync("npm", ["install", "--prefix", folder, ...options, ...EXTRACTOR], { stdio: "inherit" });
}

/** Only what says something: a type that is wide open, as of a graph declared as `GraphFactory`, has no properties. */
const telling = (schemas: Partial<GraphSchemas>): Partial<GraphSchemas> =>
  Object.fromEntries(Object.entries(schemas).filter(([, schema]) => JSON.stringify(schema)?.includes('"properties"')));

/** `folder` has the extractor. */
export async function readSchemas(sources: GraphSources, folder: string): Promise<SourceSchemas> {
  const entry = createRequire(join(resolve(folder), "package.json")).resolve("@langchain/langgraph-api/schema");
  const { getStaticGraphSchema } = (await import(pathToFileURL(entry).href)) as {
    getStaticGraphSchema(
      specs: Record<string, { sourceFile: string; exportSymbol: string }>,
      options: { timeoutMs: number },
    ): Promise<Record<string, Record<string, Partial<GraphSchemas>>>>;
  };
  const specs = Object.entries(sources).map(([name, source]) => {
    const colon = source.lastIndexOf(":");
    return [name, { sourceFile: source.slice(0, colon), exportSymbol: source.slice(colon + 1) }] as const;
  });
  const found = await getStaticGraphSchema(Object.fromEntries(specs), { timeoutMs: TIMEOUT_MS });
  // The extractor names a subgraph by the export and the way to it: `graph|parent|child`.
  const named = specs.map(([name, { exportSymbol }]) => {
    const own = Object.entries(found[name] ?? {}).map(([key, schemas]) => [
      key === exportSymbol ? "" : key.slice(exportSymbol.length + 1),
      telling(schemas),
    ]);
    return [name, Object.fromEntries(own)] as const;
  });
  return Object.fromEntries(named);
}

/** The file that the service reads them from. */
export function sourceFile(schemas: SourceSchemas): string {
  return `// Written by \`npm run schemas\`. For graphs whose state is declared with Zod or StateSchema there is no need of it.
import type { SourceSchemas } from "./schemas.ts";

export const sourceSchemas: SourceSchemas = ${JSON.stringify(schemas, null, 2)};
`;
}
