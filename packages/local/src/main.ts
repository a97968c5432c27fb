/** `npm start`, `npm run reset` and `npm run thread`. */
import { isTenureError, TenureError } from "@tenure/core/errors";
import { readConfig, unknownSettings } from "./config.ts";
import { removeDataDir } from "./data-dir.ts";
import { openCheckpointer, startStack } from "./stack.ts";
import { describeThread } from "./thread-report.ts";

// The AWS SDK's notice on the end of Node 20 is for those who deploy, not for whoever tries this out.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

const print = (line: string) => process.stdout.write(`${line}\n`);

async function start(): Promise<void> {
  for (const name of unknownSettings(process.env))
    process.stderr.write(`tenure: ${name} is not a setting; it is ignored\n`);
  const stack = await startStack(readConfig(process.env), {
    onMail: ({ to, code }) => print(`code for ${to}: ${code}`),
  });
  let closing = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      if (closing) return;
      closing = true;
      void stack.close().then(
        () => print("stopped"),
        (error: unknown) => fail(error),
      );
    });
  print(`Tenure is at ${stack.url}`);
  print(`  mailbox   ${stack.url}/dev/mail`);
  for (const line of stack.engines) print(`  ${line}`);
  print("Ctrl-C stops it; npm run reset removes its data.");
}

function reset(): void {
  const { dataDir } = readConfig(process.env);
  print(removeDataDir(dataDir) ? `removed ${dataDir}` : `${dataDir} is not there: nothing to remove`);
}

async function thread(threadId: string | undefined): Promise<void> {
  if (!threadId) throw new TenureError({ tag: "misconfigured", problems: ["name a thread: npm run thread -- <id>"] });
  const { checkpointer, close } = await openCheckpointer(readConfig(process.env));
  try {
    for (const line of describeThread(threadId, await checkpointer.inspect(threadId))) print(line);
  } finally {
    await close();
  }
}

/** A mistake in the setting-up is one line each; anything else is a bug and keeps its stack. */
function fail(error: unknown): never {
  if (isTenureError(error, "misconfigured"))
    for (const problem of error.reason.problems) process.stderr.write(`tenure: ${problem}\n`);
  else process.stderr.write(`tenure: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}

const [command = "start", argument] = process.argv.slice(2);
try {
  if (command === "start") await start();
  else if (command === "reset") reset();
  else if (command === "thread") await thread(argument);
  else throw new Error(`there is no command ${command}: use start, reset or thread`);
} catch (error) {
  fail(error);
}
