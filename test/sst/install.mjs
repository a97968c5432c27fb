/**
 * Brings SST's platform into .sst/, as `npx sst install` does, from the npm registry alone: the tests need no Pulumi, which
 * SST would otherwise download first. Both sets of providers that sst.config.ts can name are installed, and the lock of each
 * is left beside the platform: a project that has its lock installs nothing. Idempotent.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
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
const lock = join(root, ".sst/provider-lock.json");
const install = (settings) => {
  rmSync(lock, { force: true });
  const { status } = spawnSync(join(root, "node_modules/.bin/sst"), ["install", "--stage", "test"], {
    cwd: root,
    env: { ...env, ...settings },
    stdio: "inherit",
  });
  if (status !== 0) throw new Error(`sst install ended with ${status}`);
};
try {
  install({ TENURE_UPSTASH: "1", UPSTASH_EMAIL: "test@example.com", UPSTASH_API_KEY: "test" });
  copyFileSync(lock, join(root, ".sst/provider-lock.upstash.json"));
  install({ TENURE_UPSTASH: "" });
} finally {
  rmSync(home, { recursive: true, force: true });
}
