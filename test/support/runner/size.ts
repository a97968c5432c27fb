/**
 * The size of a test. `npm test` has a short form of the tests that look for what is rare: random lives, histories of many
 * processes, a crash at every request. `npm run test:long` has them whole, and runs no others.
 */

/** The files that have a long form. */
export const LONG_FORMS = [
  "test/abuse/**/*.test.ts",
  "test/conformance/{checkpointer,memory-table,values}.test.ts",
  "test/deploy/**/*.test.ts",
  "test/fault/{checkpoint-copy,checkpoint-crash,checkpoint-ttl,damaged-records,dynamo-weather,failover,takeover}.test.ts",
  "test/history/**/*.test.ts",
  "test/local/{crash,data-dir,journal,start}.test.ts",
  "test/model/**/*.test.ts",
  "test/packages/**/*.test.ts",
  "test/simulation/**/*.test.ts",
  "test/smoke/**/*.test.ts",
  "test/sst/{dev-loop,stages}.test.ts",
  "test/sst/models/models.test.ts",
];

/** Catches what hangs, in milliseconds: no test is to come near it, however busy the machine is. */
export const HANG_MS = 900_000;
/** For one wait within a test, so that it can still say what it waited for. */
export const WAIT_MS = HANG_MS / 3;

export const isLong = process.env.TENURE_TEST_FORM === "long";

/** Returns the number for this form: `sized(20, 400)` is 20 in `npm test` and 400 in `npm run test:long`. */
export const sized = (short: number, long: number): number => (isLong ? long : short);

/** The part of a list that a long form goes through, above 0 and at most 1: `TENURE_TEST_SHARE`. Default 1. */
const share = Number(process.env.TENURE_TEST_SHARE ?? 1);
if (!(share > 0 && share <= 1)) throw new Error("TENURE_TEST_SHARE is a number above 0 and at most 1");

/** The first of a list in the short form, and in the long one so many as `TENURE_TEST_SHARE` says, from all over the list. */
export const some = <T>(all: readonly T[]): T[] => {
  const count = isLong ? Math.ceil(all.length * share) : 1;
  return Array.from({ length: Math.min(count, all.length) }, (_, n) => all[Math.floor((n * all.length) / count)] as T);
};
