/** The commands that packages/local/README.md claims of the embedded engine, in their order there. */
import { document } from "./markdown.ts";

export function claimed(): string[] {
  const [, section = ""] = document("packages/local/README.md").text.split("## Commands of the embedded engine\n");
  const [list = ""] = section.trim().split("\n\n");
  return [...list.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name as string);
}
