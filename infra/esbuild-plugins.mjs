/** What is changed of a library on its way into a function's bundle. */
import { fileURLToPath } from "node:url";

const credentials = fileURLToPath(new URL("../packages/functions/src/lambda/credentials.ts", import.meta.url));

/** See packages/functions/src/lambda/credentials.ts. */
const credentialsFromEnvironment = {
  name: "credentials-from-environment",
  setup(build) {
    // SST does not tell a filter what is imported: it has to let everything pass.
    build.onResolve({ filter: /./ }, ({ path }) =>
      path === "@aws-sdk/credential-provider-node" ? { path: credentials } : undefined,
    );
  },
};

export default [credentialsFromEnvironment];
