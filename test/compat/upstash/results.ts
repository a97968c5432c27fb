/** The failures of bun's JUnit report, and those whose kind says that they are none of the engine's. */
import { claimed } from "../../docs/claimed.ts";

export interface Failure {
  file: string;
  name: string;
  message: string;
}

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", "#10": "\n" };
const plain = (text: string) => text.replace(/&([a-z]+|#10);/g, (whole, name: string) => ENTITIES[name] ?? whole);

/** The number of tests that ran, and each that failed. */
export function failuresOf(xml: string): { tests: number; failures: Failure[] } {
  const cases = [...xml.matchAll(/<testcase ([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs)];
  const attribute = (of: string, name: string) => plain(new RegExp(`(?:^| )${name}="([^"]*)"`).exec(of)?.[1] ?? "");
  const failures = cases.flatMap(([, of = "", inside = ""]): Failure[] => {
    if (!inside.includes("<failure")) return [];
    const name = `${attribute(of, "classname")} > ${attribute(of, "name")}`;
    return [
      {
        file: attribute(of, "file"),
        name,
        message: plain(inside.replace(/<[^>]*>/g, (tag) => attribute(tag, "message"))),
      },
    ];
  });
  return { tests: cases.filter(([, , inside = ""]) => !inside.includes("<skipped")).length, failures };
}

/** Why a failure is none of the engine's; undefined for one that may be. */
export function kindOf({ message }: Failure): string | undefined {
  const command = /unknown command '([\w.]+)'/i.exec(message)?.[1]?.toUpperCase();
  if (command && !claimed().includes(command)) return `${command.replace(/\..*/, ".*")} is not claimed`;
  if (/ENOTFOUND|Failed to fetch ip deny list/.test(message)) return "wants the internet";
  return undefined;
}
