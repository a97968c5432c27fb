/** Reads which options the methods of a client have, from its type declarations, by the compiler. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { API, type Checker, SignatureKind, type Type, TypeFlags, type UnionType } from "typescript/unstable/sync";

/** The clients within a client whose methods are read: `threads` and so on. */
const PARTS = ["threads", "runs", "assistants", "store", "crons"] as const;

const CLIENT = fileURLToPath(import.meta.resolve("@langchain/langgraph-sdk"));

/** Names of options by method, `threads.create`, in the order of their declaration. A method without options has none. */
export async function declaredOptions(): Promise<Map<string, string[]>> {
  const folder = await mkdtemp(join(tmpdir(), "client-options-"));
  const source = join(folder, "client.ts");
  const config = join(folder, "tsconfig.json");
  const types = CLIENT.replace(/\.js$/, ".d.ts");
  const text = `import type { Client } from ${JSON.stringify(types)};\nexport declare const client: Client;\n`;
  await writeFile(source, text);
  const options = { strict: true, module: "nodenext", target: "es2023", skipLibCheck: true, types: [], noEmit: true };
  await writeFile(config, JSON.stringify({ compilerOptions: options, files: [source] }));
  const api = new API({ cwd: folder });
  try {
    const { program, checker } = api.updateSnapshot({ openProject: config }).getProject(config) ?? {};
    const client = program && checker?.getTypeAtPosition(source, text.lastIndexOf("client:"));
    if (!checker || !client) throw new Error("the compiler does not tell the type of the client");
    return new Map(PARTS.flatMap((part) => methodsOf(checker, client, part)));
  } finally {
    api.close();
    await rm(folder, { recursive: true });
  }
}

function methodsOf(checker: Checker, client: Type, part: string): [string, string[]][] {
  const property = checker.getPropertyOfType(client, part);
  const type = property && checker.getTypeOfSymbol(property);
  if (!type) throw new Error(`the client has no ${part}`);
  return checker.getPropertiesOfType(type).flatMap((method): [string, string[]][] => {
    const called = checker.getTypeOfSymbol(method);
    const signatures = called ? checker.getSignaturesOfType(called, SignatureKind.Call) : [];
    // Fields of the base, which are protected, are no methods; its methods neither.
    if (signatures.length === 0 || BASE.has(method.name)) return [];
    const names = new Set<string>();
    for (const signature of signatures)
      for (const parameter of signature.getParameters()) {
        const given = checker.getTypeOfSymbol(parameter);
        for (const name of given ? optionsIn(checker, given, parameter.name) : []) names.add(name);
      }
    return [[`${part}.${method.name}`, [...names]]];
  });
}

/** Methods of every client's base, and streams that begin on it. */
const BASE = new Set(["fetch", "prepareFetchOptions", "streamWithRetry"]);
const OPTIONS = /^(options|payload|payloads|query|maybeOptions|threadIdOrOptions)$/;

/** The fields of a parameter that holds options; a parameter by itself is an option too, unless it names what the method is about. */
function optionsIn(checker: Checker, type: Type, name: string): string[] {
  if (!OPTIONS.test(name)) return /^(threadId|runId|assistantId|cronId|threadIdOrConfig|key)$/.test(name) ? [] : [name];
  return objectsIn(checker, type).flatMap((one) => checker.getPropertiesOfType(one).map((field) => field.name));
}

function objectsIn(checker: Checker, type: Type): Type[] {
  if (checker.isArrayType(type))
    return checker.getTypeArguments(type as never).flatMap((one) => objectsIn(checker, one));
  if (type.flags & TypeFlags.Union) return (type as UnionType).getTypes().flatMap((one) => objectsIn(checker, one));
  if (checker.typeToString(type) === "AbortSignal") return [];
  return type.flags & (TypeFlags.Object | TypeFlags.Intersection) ? [type] : [];
}
