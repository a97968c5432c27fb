/** An error of loading somebody's sources, in one or two lines for the one who has just saved a file. */
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { isTenureError } from "@tenure/core/errors";

const MAX_LENGTH = 600;

/** Returns `file:line:column: what is wrong`, with paths from `folder`, as far as the error says where. */
export function problemOf(error: unknown, folder: string): string {
  if (isTenureError(error, "misconfigured"))
    return error.reason.problems.map((one) => shortened(one, folder)).join("\n");
  const { name = "Error", message = String(error), stack = "" } = Object(error) as Partial<Error>;
  // esbuild's own words, which begin with where: `/a/b.ts:3:5: ERROR: Expected ";" but found "}"`.
  const built = [...message.matchAll(/^(\S.*?:\d+:\d+): ERROR: (.*)$/gm)].map(([, at, what]) => `${at}: ${what}`);
  if (built.length > 0) return shortened(built.join("\n"), folder);
  const at = whereOf(stack);
  const [first = ""] = message.split("\n");
  return shortened(`${at ? `${at}: ` : ""}${name}: ${first}`, folder);
}

/** The first place of a stack that is in the sources: a line of its own for an import that fails, or a frame. */
function whereOf(stack: string): string | undefined {
  const places = stack.matchAll(/(?:file:\/\/\/?)?((?:\/|[A-Za-z]:\\)[^\s():]+\.[mc]?[jt]sx?(?::\d+)+)/g);
  return [...places].map(([, place]) => place).find((place) => place !== undefined && !place.includes("node_modules"));
}

function shortened(text: string, folder: string): string {
  const plain = text.replace(/file:\/\/\S+?(?=[:'"\s]|$)/g, (url) => {
    try {
      return fileURLToPath(url);
    } catch {
      return url;
    }
  });
  const prefix = folder.endsWith("/") ? folder : `${folder}/`;
  return plain.replaceAll(prefix, relative(folder, prefix)).slice(0, MAX_LENGTH);
}
