/**
 * Brings SST's platform into .sst/, as `npx sst install` does, from the npm registry alone: the tests need no Pulumi, which
 * SST would otherwise download first. Idempotent.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const home = mkdtempSync(join(tmpdir(), "tenure-sst-"));
mkdirSync(join(home, "sst/bin"), { recursive: true });
const pulumi = join(home, "sst/bin/pulumi");
writeFileSync(pulumi, `#!/bin/sh\nexec "${process.execPath}" "${join(root, "test/sst/pulumi.mjs")}" "$@"\n`);
chmodSync(pulumi, 0o755);
const env = {
  ...process.env,
  XDG_CONFIG_HOME: home,
  SST_NO_BUN: "1",
  SST_SKIP_DEPENDENCY_CHECK: "1",
  DO_NOT_TRACK: "1",
};
const { status } = spawnSync(join(root, "node_modules/.bin/sst"), ["install", "--stage", "test"], {
  cwd: root,
  env,
  stdio: "inherit",
});
rmSync(home, { recursive: true, force: true });
process.exit(status ?? 1);
