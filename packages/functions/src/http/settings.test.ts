/** Settings: defaults that are the policies' own, bounds, and mistakes that are named. */
import { defaultCodePolicy } from "@tenure/core/otp";
import { defaultSessionPolicy } from "@tenure/core/session";
import { describe, expect, it } from "vitest";
import { readKeys, readSettings, SETTING_NAMES, STANDARD } from "./settings.ts";

describe("settings", () => {
  it("are nothing where nothing is set, or what is set is empty", () => {
    const nothing = { settings: { sessionPolicy: {}, codePolicy: {} }, problems: [] };
    expect(readSettings({})).toEqual(nothing);
    expect(readSettings(Object.fromEntries(SETTING_NAMES.map((name) => [name, " "])))).toEqual(nothing);
  });

  it("name the defaults that the policies have", () => {
    const { settings, problems } = readSettings(STANDARD);
    expect(problems).toEqual([]);
    expect({ ...defaultSessionPolicy, ...settings.sessionPolicy }).toEqual(defaultSessionPolicy);
    expect({ ...defaultCodePolicy, ...settings.codePolicy }).toEqual(defaultCodePolicy);
  });

  it("touch a short session often enough for it to live while it is used", () => {
    const { settings } = readSettings({ TENURE_IDLE_TIMEOUT: "20s", TENURE_ABSOLUTE_TIMEOUT: "1h" });
    expect(settings.sessionPolicy).toEqual({ idleMs: 20_000, touchEveryMs: 2_000, absoluteMs: 3_600_000 });
  });

  it.each([
    ["TENURE_IDLE_TIMEOUT", "30", "from 10s to 90d"],
    ["TENURE_IDLE_TIMEOUT", "9s", "from 10s to 90d"],
    ["TENURE_IDLE_TIMEOUT", "1.5h", "from 10s to 90d"],
    ["TENURE_IDLE_TIMEOUT", "-5m", "from 10s to 90d"],
    ["TENURE_IDLE_TIMEOUT", "13h", "must not be longer than TENURE_ABSOLUTE_TIMEOUT"],
    ["TENURE_ABSOLUTE_TIMEOUT", "20m", "must not be longer than TENURE_ABSOLUTE_TIMEOUT"],
    ["TENURE_ABSOLUTE_TIMEOUT", "366d", "from 10s to 365d"],
    ["TENURE_CODE_TTL", "2h", "from 1m to 1h"],
    ["TENURE_CODE_RESEND", "0s", "from 1s to 10m"],
    ["TENURE_CODE_ATTEMPTS", "100", "from 1 to 10"],
    ["TENURE_CODE_ATTEMPTS", "five", "from 1 to 10"],
    ["TENURE_MAX_SESSIONS", "0", "from 1 to 100"],
    ["TENURE_THREAD_TTL", "never", "from 1m to 3650d"],
    ["TENURE_THREAD_STRATEGY", "keep_all", "delete or keep_latest"],
  ])("refuse %s=%s", (name, value, words) => {
    const { problems } = readSettings({ [name]: value });
    expect(problems).toEqual([expect.stringContaining(words)]);
    expect(problems[0]).toContain(name);
  });
});

describe("keys for checkpoints", () => {
  const key = (byte: number) => Buffer.alloc(32, byte).toString("base64");

  it("are current in the order in which they stand", () => {
    expect(readKeys(`k2:${key(2)} k1:${key(1)}`)).toEqual({
      encryption: { keys: { k1: Buffer.alloc(32, 1), k2: Buffer.alloc(32, 2) }, current: "k2" },
    });
  });

  it.each(["", key(1), "k1:", "k1:AAAA", `k1:${key(1)} k1:${key(2)}`, `k1:${key(1)},,`])("refuse %s", (text) => {
    expect(readKeys(text)).toEqual({ problem: expect.stringContaining("openssl rand -base64 32") });
  });
});
