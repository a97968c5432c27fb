/**
 * Sends the product's words on stderr and stdout where `console` goes: the runner shows them with the test that fails, and of
 * those that pass nothing.
 */
import { setDefaultAutoSelectFamilyAttemptTimeout } from "node:net";
import { stripVTControlCharacters } from "node:util";

// Where localhost has two addresses, a slow machine is no reason to try the second one.
setDefaultAutoSelectFamilyAttemptTimeout(60_000);

for (const [stream, print] of [
  [process.stdout, console.log],
  [process.stderr, console.error],
] as const)
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    print(stripVTControlCharacters(Buffer.from(chunk).toString()).replace(/\n$/, ""));
    for (const done of rest) if (typeof done === "function") done();
    return true;
  };
