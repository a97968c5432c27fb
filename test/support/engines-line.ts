import { missing } from "../engines/found.ts";

/** Says in one line which real engines were not found, and refuses to begin when they are required. */
export default function setup(): void {
  const found = missing.length === 0 ? "all found" : `not found: ${missing.join(", ")}`;
  process.stdout.write(`engines: embedded Redis and dynalite, always; others ${found}\n`);
  if (process.env.TENURE_TEST_REQUIRE_ENGINES && missing.length > 0)
    throw new Error(`TENURE_TEST_REQUIRE_ENGINES is set, but these were not found: ${missing.join(", ")}`);
}
