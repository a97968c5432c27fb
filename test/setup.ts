import { missing } from "./engines/found.ts";

/** Says in one line what the tests run on, and refuses to begin when an engine is required and not there. */
export default function setup(): void {
  const found = missing.length === 0 ? "all found" : `not found: ${missing.join(", ")}`;
  process.stdout.write(`engines: embedded Redis and dynalite, always; others ${found}\n`);
  if (process.env.TENURE_TEST_REQUIRE_ENGINES && missing.length > 0)
    throw new Error(`TENURE_TEST_REQUIRE_ENGINES is set, but these were not found: ${missing.join(", ")}`);
}
