/** The modules of libraries that are replaced in a function's bundle. See docs/decisions/013-two-functions.md. */
import { fileURLToPath } from "node:url";

const ours = (name) => fileURLToPath(new URL(`../packages/functions/src/lambda/${name}`, import.meta.url));

const replaced = ({ path, importer }) => {
  if (path === "@aws-sdk/credential-provider-node") return ours("credentials.ts");
  if (path === "../locales/index.js" && importer.includes("/zod/")) return ours("no-locales.ts");
  return undefined;
};

const replacements = {
  name: "replacements",
  setup(build) {
    // SST does not tell a filter what is imported: it has to let everything pass.
    build.onResolve({ filter: /./ }, (imported) => {
      const path = replaced(imported);
      return path && { path };
    });
  },
};

export default [replacements];
