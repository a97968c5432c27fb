/**
 * `npm run smoke -- --url https://…`: what a user does, against a deployment or any other Tenure, from the login to the logout.
 * Prints a table with times and a verdict, and ends with 1 at the first step that fails, with what to look at. It prints no
 * token and no code, and deletes the thread that it makes.
 */
import { parseArgs } from "node:util";
import { Client, StepError } from "./smoke/client.mjs";
import { askPerson, codeReader } from "./smoke/code.mjs";
import { steps } from "./smoke/steps.mjs";

const HELP = `npm run smoke -- --url <address> [options]

  --url <address>           the site's address: what "sst deploy" has printed, or http://localhost:3000
  --email <address>         who logs in; asked for when left out
  --code-command <command>  prints the login code, read from a mailbox for example; run again until it prints a new one.
                            It finds the address in SMOKE_EMAIL. Without it the code is asked for here.
  --timeout <seconds>       how long the mail, and a run that nobody watches, may take (default 120)
  --help

Ends with 0 when all steps have passed, with 1 at the first that has not, with 2 when it was called wrongly.
`;

const options = {
  url: { type: "string" },
  email: { type: "string" },
  "code-command": { type: "string" },
  timeout: { type: "string", default: "120" },
  help: { type: "boolean", default: false },
};

function misused(problem) {
  process.stderr.write(`smoke: ${problem}\n\n${HELP}`);
  process.exit(2);
}

function readOptions() {
  try {
    const { values } = parseArgs({ options });
    if (values.help) {
      process.stdout.write(HELP);
      process.exit(0);
    }
    if (!values.url) misused("--url is missing");
    if (!/^https?:\/\//.test(values.url) || !URL.canParse(values.url))
      misused("--url must be an address with https://");
    if (!(Number(values.timeout) > 0)) misused("--timeout must be a number of seconds");
    return values;
  } catch (error) {
    return misused(error.message);
  }
}

const given = readOptions();
const timeoutMs = Number(given.timeout) * 1000;
const { origin } = new URL(given.url);
const email = given.email ?? (await askPerson("E-mail address to log in with: "));
if (!/^\S+@\S+$/.test(email)) misused("--email must be an e-mail address");

const print = (line) => process.stdout.write(`${line}\n`);
const row = (name, ms, seen) => print(`  ${name.padEnd(44)} ${ms.padStart(7)}  ${seen}`);

print(`Smoke test of ${origin}`);
row("step", "ms", "seen");
const context = {
  client: new Client(`${origin}/api`),
  email,
  timeoutMs,
  codes: codeReader({ email, command: given["code-command"], timeoutMs }),
};
const begun = performance.now();
for (const { name, look, run } of steps) {
  const from = performance.now();
  try {
    // A person who types is not to be measured.
    const seen = await run(context);
    const ms = Math.round(performance.now() - from - context.client.waited());
    row(name, String(ms), seen);
  } catch (error) {
    row(name, String(Math.round(performance.now() - from)), "FAILED");
    print("");
    print(`FAILED: ${name}: ${error instanceof StepError ? error.message : (error.stack ?? error)}`);
    print(`Look at: ${look}`);
    process.exit(1);
  }
}
print("");
print(`PASSED: ${steps.length} steps in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
process.exit(0);
