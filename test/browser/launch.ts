/** Debian's Chromium, which talks to nobody but the page it is given. */
import { tmpdir } from "node:os";
import { type Browser, chromium } from "playwright-core";
import { chromiumPath } from "../support/stores/found.ts";

const QUIET =
  "--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumPath as string,
    args: ["--no-sandbox", ...QUIET.split(" ")],
    // Chromium writes reports and keys below its home, whatever its profile.
    env: { ...(process.env as Record<string, string>), HOME: tmpdir() },
  });
