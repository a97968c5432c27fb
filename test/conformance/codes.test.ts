/** The code store's contract, over every engine behind the gateway. Time passes when a test says so. */
import { type CodePolicy, createCodeStore, defaultCodePolicy } from "@tenure/core/otp";
import { createWindows, type Limit } from "@tenure/core/ratelimit";
import { codeDigest, keyedHandle, newChallenge } from "@tenure/core/token";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type MovedEngine, movedEngines } from "../support/stores/moved-clock.ts";
import { type Behind, behindGateway } from "../support/stores/redis.ts";

/** A second after the beginning of a minute. */
const START = Date.UTC(2030, 0, 1) + 1000;
afterEach(() => void vi.useRealTimers());

let people = 0;
const newAccount = () => keyedHandle("pepper", "account", `person-${process.pid}-${people++}@example.com`);

describe.each(movedEngines)("codes and windows on $name", ({ open }) => {
  let moved: MovedEngine;
  let behind: Behind;
  beforeAll(async () => {
    moved = await open();
    behind = await behindGateway(moved.engine);
  });
  afterAll(async () => {
    await behind.close();
    await moved.close();
  });

  function setup(policy: Partial<CodePolicy> = {}) {
    const codes = createCodeStore(behind.store, { ...defaultCodePolicy, ...policy });
    const account = newAccount();
    const digest = (challenge: string, code: string) => codeDigest("pepper", challenge, code);
    return {
      async issue(code = "123456") {
        const challenge = newChallenge("pepper", account);
        const issued = await codes.issue({
          account,
          challenge,
          digest: digest(challenge, code),
          email: "ada@example.com",
        });
        return { challenge, issued };
      },
      consume: (challenge: string, code: string) => codes.consume(account, challenge, digest(challenge, code)),
    };
  }

  const accepted = { accepted: true, email: "ada@example.com" };
  const gone = { accepted: false, why: "gone", attemptsLeft: 0 };
  const wrong = (attemptsLeft: number) => ({ accepted: false, why: "wrong", attemptsLeft });

  it("lets who used a code ask for the next one at once", async () => {
    const { issue, consume } = setup({ resendMs: 60_000 });
    const { challenge } = await issue();
    await consume(challenge, "000000");
    expect((await issue()).issued).toMatchObject({ issued: false });
    expect(await consume(challenge, "123456")).toEqual(accepted);
    expect((await issue()).issued).toMatchObject({ issued: true });
  });

  it("accepts a code once", async () => {
    const { issue, consume } = setup();
    const { challenge, issued } = await issue();
    expect(issued).toMatchObject({ issued: true });
    expect(await consume(challenge, "123456")).toEqual(accepted);
    expect(await consume(challenge, "123456")).toEqual(gone);
  });

  it("accepts one of many right tries at once", async () => {
    const { issue, consume } = setup({ attemptsPerCode: 100, failuresPerAccount: 100 });
    const { challenge } = await issue();
    const tries = await Promise.all(Array.from({ length: 50 }, () => consume(challenge, "123456")));
    expect(tries.filter(({ accepted }) => accepted)).toHaveLength(1);
  });

  it("gives five tries, however many come at once, and refuses the sixth even when it is right", async () => {
    const { issue, consume } = setup();
    const { challenge } = await issue();
    const tries = await Promise.all(Array.from({ length: 20 }, () => consume(challenge, "000000")));
    const left = tries.flatMap((result) =>
      "attemptsLeft" in result && result.why === "wrong" ? [result.attemptsLeft] : [],
    );
    expect(left.sort()).toEqual([0, 1, 2, 3, 4]);
    expect(await consume(challenge, "123456")).toEqual({ accepted: false, why: "spent", attemptsLeft: 0 });
  });

  it("ties a code to the request it was asked by", async () => {
    const { issue, consume } = setup({ resendMs: 0 });
    const [first, second] = [await issue("111111"), await issue("222222")];
    expect(await consume(first.challenge, "222222")).toEqual(wrong(4));
    expect(await consume(second.challenge, "222222")).toEqual(accepted);
  });

  it("counts wrong tries across an account's codes, and a login forgets them", async () => {
    const { issue, consume } = setup({ resendMs: 0, failuresPerAccount: 3, failureWindowMs: 300 });
    const first = await issue();
    expect(await consume(first.challenge, "000000")).toEqual(wrong(4));
    expect(await consume(first.challenge, "123456")).toEqual(accepted);
    const second = await issue();
    for (const left of [4, 3, 2]) expect(await consume(second.challenge, "000000")).toEqual(wrong(left));
    const locked = await consume(second.challenge, "123456");
    expect(locked).toMatchObject({ accepted: false, why: "locked" });
    expect((await issue()).issued).toMatchObject({ issued: false });
    moved.advance(300);
    expect(await consume(second.challenge, "123456")).toMatchObject({ accepted: false, why: "locked" });
    moved.advance(1);
    expect(await consume(second.challenge, "123456")).toEqual(accepted);
  });

  it("sends no second code within the resend interval", async () => {
    const { issue } = setup({ resendMs: 150 });
    const { issued } = await issue();
    if (!issued.issued) throw new Error("the first code was not issued");
    expect((await issue()).issued).toEqual({ issued: false, retryAt: issued.resendAt, waitMs: expect.any(Number) });
    moved.advance(149);
    expect((await issue()).issued).toEqual({ issued: false, retryAt: issued.resendAt, waitMs: expect.any(Number) });
    moved.advance(2);
    expect((await issue()).issued).toMatchObject({ issued: true });
  });

  it("forgets a code at its deadline, and a wrong try does not extend it", async () => {
    const { issue, consume } = setup({ ttlMs: 150 });
    const { challenge } = await issue();
    moved.advance(149);
    expect(await consume(challenge, "000000")).toEqual(wrong(4));
    moved.advance(2);
    expect(await consume(challenge, "123456")).toEqual(gone);
  });

  it("keeps no code in Redis", async () => {
    const { issue } = setup();
    await issue("987654");
    const keys = (await behind.engine.send(["KEYS", "code*"])) as string[];
    const values = await Promise.all(keys.map((key) => behind.engine.send(["GET", key])));
    expect(JSON.stringify([keys, values])).not.toContain("987654");
  });

  it("lets a window's tokens through and no more, however many ask at once", async () => {
    // Date itself, since the limiter takes no clock: a window's end between two of its requests would give more.
    vi.useFakeTimers({ toFake: ["Date"], now: START });
    const windows = createWindows(behind.store, "pepper");
    const limit: Limit = { name: `test-${people++}`, tokens: 7, windowMs: 60_000 };
    const taken = await Promise.all(Array.from({ length: 30 }, () => windows.take(limit, "203.0.113.7")));
    expect(taken.filter(({ allowed }) => allowed)).toHaveLength(7);
    expect(new Set(taken.map(({ resetAt }) => resetAt))).toEqual(new Set([START - 1000 + 60_000]));
    expect((await windows.take(limit, "203.0.113.8")).allowed).toBe(true);
    const keys = (await behind.engine.send(["KEYS", `window:${limit.name}*`])) as string[];
    expect(keys.join()).not.toContain("203.0.113");
  });
});
