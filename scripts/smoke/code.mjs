/** Where the login code comes from: a person, or a command that reads a mailbox. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { StepError } from "./client.mjs";

const PAUSE_MS = 2_000;
const COMMAND_DEADLINE_MS = 30_000;

let lines;

/** Returns what was typed. Throws when nobody is there. */
export async function askPerson(question) {
  process.stderr.write(question);
  // A single reader serves all questions, since it reads ahead.
  lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const { done, value } = await lines.next();
  if (done) throw new StepError("nobody is there to ask: use --email and --code-command");
  return value.trim();
}

/**
 * `heed` takes note of the code that a mailbox shows already, before another one is asked for; `read` resolves to a code that
 * has not been seen so far, and rejects when none comes in time.
 */
export function codeReader({ email, command, timeoutMs }) {
  const seen = new Set();
  const look = async () => /(?<!\d)\d{6}(?!\d)/.exec(await outputOf(command, email))?.[0];
  return {
    async heed() {
      // An empty mailbox may be a failure to its command.
      if (command) seen.add(await look().catch(() => undefined));
    },
    async read() {
      if (!command) return askPerson(`Code for ${email}: `);
      let failure = "the code command has printed no new code of six digits";
      const end = performance.now() + timeoutMs;
      for (;;) {
        const code = await look().catch((error) => {
          failure = error.message;
        });
        if (code && !seen.has(code)) return code;
        const leftMs = end - performance.now();
        if (leftMs <= 0) throw new StepError(failure);
        await pause(Math.min(PAUSE_MS, leftMs));
      }
    },
  };
}

/** Runs the command in a shell and returns its output; its stderr goes to the terminal. */
function outputOf(command, email) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, {
      shell: true,
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, SMOKE_EMAIL: email },
      timeout: COMMAND_DEADLINE_MS,
      killSignal: "SIGKILL",
    });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new StepError(`the code command ended with ${signal ?? code}`));
    });
  });
}
