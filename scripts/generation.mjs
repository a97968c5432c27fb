/**
 * `npm run generation`: begins a new generation of all that Redis holds for logins. Sessions and codes of earlier generations do not
 * exist from then on, also those that a restore, a snapshot or a failover has brought back.
 */
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { sst } from "./deploy/sst.mjs";

const HELP = `npm run generation [-- --stage <name>]

  --stage <name>   of a deployed stage: sets its secret Generation, which counts from the next deployment on
  --help

Without a stage it is the local stack's, which must not be running. Everyone logs in again; nothing else is lost.
`;

const options = { stage: { type: "string" }, help: { type: "boolean", default: false } };
const print = (line) => process.stdout.write(`${line}\n`);

function misused(problem) {
  process.stderr.write(`generation: ${problem}\n\n${HELP}`);
  process.exit(2);
}

function readOptions() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return misused(error.message);
  }
}

const { stage, help } = readOptions();
if (help) print(HELP);
else if (stage === undefined) {
  // The local stack has the file that it writes.
  process.argv.splice(2, process.argv.length, "generation");
  await import("../packages/local/dist/main.js");
} else {
  if (!/^[a-zA-Z0-9-]+$/.test(stage)) misused("--stage takes letters, digits and hyphens");
  const word = randomBytes(12).toString("base64url");
  const { code } = await sst(["secret", "set", "Generation", word, "--stage", stage], { stdio: "inherit" });
  if (code !== 0) process.exit(3);
  print(`Now deploy: npm run deploy -- --stage ${stage}. Until then the generation of before is in use.`);
}
