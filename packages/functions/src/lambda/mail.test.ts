import process from "node:process";
import { describe, expect, it, vi } from "vitest";
import { mailerOf } from "./mail.ts";

const config = { region: "us-east-1", clock: { now: () => 0 } };
const message = { to: "ada@example.com", code: "123456", expiresAt: 600_000 };

describe("codes without a sender", () => {
  it("are printed under sst dev", async () => {
    const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    try {
      await mailerOf({ codesToLog: true }, { ...config, isDev: true }).sendCode(message);
      expect(write.mock.calls).toEqual([["code for ada@example.com: 123456\n"]]);
    } finally {
      write.mockRestore();
    }
  });

  it("are printed nowhere else: such a function does not start", () => {
    expect(() => mailerOf({ codesToLog: true }, { ...config, isDev: false })).toThrow(/TENURE_MAIL_SENDER/);
  });
});
