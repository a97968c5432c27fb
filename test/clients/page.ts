/** The parts of docs/client-options.md that tests make. */
import { fileURLToPath } from "node:url";

export const PAGE = fileURLToPath(new URL("../../docs/client-options.md", import.meta.url));

const begin = (name: string) => `<!-- made by test/clients: ${name} -->`;
const END = "<!-- end -->";

export const part = (name: string, lines: string[]): string => [begin(name), ...lines, END].join("\n");

/** The page with this part in place of the former one. Throws where it has none. */
export function withPart(page: string, name: string, made: string): string {
  const from = page.indexOf(begin(name));
  const to = page.indexOf(END, from);
  if (from < 0 || to < 0) throw new Error(`${PAGE} has no part for ${name}`);
  return page.slice(0, from) + made + page.slice(to + END.length);
}
