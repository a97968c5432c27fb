/** The secrets of a stage, as `sst secret list` has them: the values stay in this process. */
import { sst } from "./sst.mjs";

const DEADLINE_MS = 60_000;

/** The stage's own, over those that are a fallback for all stages. Throws in words that hold no value. */
export async function readSecrets({ stage, aws }) {
  // In an account that it does not know, `sst` makes its bucket first, even to list.
  if (!(await aws.isSstKnown())) return {};
  const { code, output } = await sst(["secret", "list", "--stage", stage], { deadlineMs: DEADLINE_MS });
  if (code !== 0) {
    if (output.includes("No secrets found")) return {};
    throw new Error(`sst secret list ended with ${code}`);
  }
  // The stage's come after the fallback's.
  return Object.fromEntries([...output.matchAll(/^([A-Z]\w*)=(.*)$/gm)].map(([, name, value]) => [name, value.trim()]));
}
