/** Reads which options the methods of a client have, from its type declarations, by the compiler. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  API,
  type Checker,
  SignatureKind,
  type StringLiteralType,
  type Type,
  TypeFlags,
  type UnionType,
} from "typescript/unstable/sync";

/** The clients within a client whose methods are read: `threads` and so on. */
const PARTS = ["threads", "runs", "assistants", "store", "crons"] as const;

const CLIENT = fileURLToPath(import.meta.resolve("@langchain/langgraph-sdk"));

/** By the name of an option: the texts that its type lists, none for an option of any other type. */
type Options = Map<string, Set<string>>;

/** Options by method, `threads.create`, in the order of their declaration. A method without options has none. */
export async function declaredOptions(): Promise<Map<string, Options>> {
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

function methodsOf(checker: Checker, client: Type, part: string): [string, Options][] {
  const property = checker.getPropertyOfType(client, part);
  const type = property && checker.getTypeOfSymbol(property);
  if (!type) throw new Error(`the client has no ${part}`);
  return checker.getPropertiesOfType(type).flatMap((method): [string, Options][] => {
    const called = checker.getTypeOfSymbol(method);
    const signatures = called ? checker.getSignaturesOfType(called, SignatureKind.Call) : [];
    // Fields of the base, which are protected, are no methods; its methods neither.
    if (signatures.length === 0 || BASE.has(method.name)) return [];
    const options: Options = new Map();
    for (const signature of signatures)
      for (const parameter of signature.getParameters()) {
        const given = checker.getTypeOfSymbol(parameter);
        for (const [name, type] of given ? optionsIn(checker, given, parameter.name) : [])
          options.set(name, new Set([...(options.get(name) ?? []), ...(type ? textsIn(checker, type) : [])]));
      }
    return [[`${part}.${method.name}`, options]];
  });
}

/** Methods of every client's base, and streams that begin on it. */
const BASE = new Set(["fetch", "prepareFetchOptions", "streamWithRetry"]);
const OPTIONS = /^(options|payload|payloads|query|maybeOptions|threadIdOrOptions)$/;

/** The fields of a parameter that holds options; a parameter by itself is an option too, unless it names what the method is about. */
function optionsIn(checker: Checker, type: Type, name: string): [name: string, type: Type | undefined][] {
  if (!OPTIONS.test(name))
    return /^(threadId|runId|assistantId|cronId|threadIdOrConfig|key)$/.test(name) ? [] : [[name, type]];
  return objectsIn(checker, type).flatMap((one) =>
    checker
      .getPropertiesOfType(one)
      .map((field): [string, Type | undefined] => [field.name, checker.getTypeOfSymbol(field)]),
  );
}

/** The texts that a type lists, also as the members of a list. */
function textsIn(checker: Checker, type: Type): string[] {
  if (type.flags & TypeFlags.StringLiteral) return [(type as StringLiteralType).value];
  if (type.flags & TypeFlags.Union) return (type as UnionType).getTypes().flatMap((one) => textsIn(checker, one));
  if (checker.isArrayType(type)) return checker.getTypeArguments(type as never).flatMap((one) => textsIn(checker, one));
  const wider = type.flags & TypeFlags.TypeParameter ? checker.getBaseConstraintOfType(type) : undefined;
  return wider ? textsIn(checker, wider) : [];
}

function objectsIn(checker: Checker, type: Type): Type[] {
  if (checker.isArrayType(type))
    return checker.getTypeArguments(type as never).flatMap((one) => objectsIn(checker, one));
  if (type.flags & TypeFlags.Union) return (type as UnionType).getTypes().flatMap((one) => objectsIn(checker, one));
  if (checker.typeToString(type) === "AbortSignal") return [];
  return type.flags & (TypeFlags.Object | TypeFlags.Intersection) ? [type] : [];
}
