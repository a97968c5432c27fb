/**
 * The calls against the types of the AWS SDK for JavaScript, which are generated from AWS' own API models: members that a call
 * must have, members that there are, what they are made of, and the values of enums. The types know no length, range or pattern.
 *
 * Each call is a line of a TypeScript program, and the compiler is asked what it thinks of it.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { awsModels } from "../../support/stores/found.ts";
import type { Finding, Translation } from "./translate.ts";
import { Bytes, type Call } from "./translations/meaning.ts";

const TSC = fileURLToPath(new URL("../../../node_modules/typescript/bin/tsc", import.meta.url));
const OPTIONS = { noEmit: true, strict: true, skipLibCheck: true, module: "preserve", target: "es2023", types: [] };

function literal(value: unknown): string {
  if (value instanceof Bytes) return "new Uint8Array()";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
  return `{${Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${literal(one)}`)}}`;
}

const statement = ({ service, operation, input }: Call) =>
  `_: ${service.replace("-", "_")}.${operation}CommandInput = ${literal(input)};`;

/** For each translation its findings. Calls that several have in common are compiled once. */
export function checkCalls(translations: Translation[]): Finding[][] {
  const calls = translations.map(({ resources }) =>
    resources.flatMap(({ name, meaning }) => meaning.calls.map((call) => ({ name, call, line: statement(call) }))),
  );
  const lines = [...new Set(calls.flat().map(({ line }) => line))];
  const services = [...new Set(calls.flat().map(({ call }) => call.service))];
  const imports = services.map(
    (service) => `import type * as ${service.replace("-", "_")} from "@aws-sdk/client-${service}";`,
  );
  const refusals = compile([...imports, ...lines.map((line, i) => `export const c${i}${line}`)]);
  const refused = new Map(lines.map((line, i) => [line, refusals.get(imports.length + i + 1) ?? []]));
  return calls.map((all) =>
    all.flatMap(({ name, call, line }) =>
      (refused.get(line) ?? []).map(
        (text): Finding => ({ resource: name, check: "sdk", text: `${call.operation}: ${text}` }),
      ),
    ),
  );
}

/** The compiler's messages by the number of their line. */
function compile(lines: string[]): Map<number, string[]> {
  const folder = mkdtempSync(join(tmpdir(), "tenure-calls-"));
  try {
    symlinkSync(join(awsModels as string, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "calls.ts"), lines.join("\n"));
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: OPTIONS, files: ["calls.ts"] }));
    const { stdout, status } = spawnSync(process.execPath, [TSC, "-p", folder, "--pretty", "false"], {
      cwd: folder,
      encoding: "utf8",
    });
    const found = new Map<number, string[]>();
    for (const message of stdout.split(/\n(?=\S)/)) {
      const [, line, text] = /^calls\.ts\((\d+),\d+\): error \w+: (.*)/s.exec(message) ?? [];
      if (line && text) found.set(Number(line), [...(found.get(Number(line)) ?? []), text.trim()]);
      else if (message.trim()) throw new Error(`the compiler says: ${message}`);
    }
    if (status !== 0 && found.size === 0) throw new Error(`the compiler ended with ${status}`);
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
