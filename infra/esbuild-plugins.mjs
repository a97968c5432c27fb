/** The modules of libraries that are replaced in a function's bundle. See docs/decisions/013-two-functions.md and 043-what-a-function-loads.md. */
import { fileURLToPath } from "node:url";

/** Sources, beside the built files that the package's exports name. */
const lambda = new URL("../../src/lambda/", import.meta.resolve("@tenure/functions/lambda/edge"));
const ours = (name) => fileURLToPath(new URL(name, lambda));

const OF_DYNAMO = /^@aws-sdk\/(?:client|lib)-dynamodb$/;

const replaced = ({ path, importer }) => {
  // For core alone: what a graph imports is the SDK.
  if (OF_DYNAMO.test(path) && /\/core\/src\/dynamo\//.test(importer)) return ours("aws-sdk.ts");
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
