/** The code store's contract, over every engine and every way to it. Time passes when a test says so. */
import { type CodePolicy, createCodeStore, defaultCodePolicy } from "@tenure/core/otp";
import { createWindows, type Limit } from "@tenure/core/ratelimit";
import { codeDigest, keyedHandle, newChallenge } from "@tenure/core/token";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomOf } from "../support/random.ts";
import { type Link, links } from "../support/stores/links.ts";

let people = 0;
const newAccount = () => keyedHandle("pepper", "account", `person-${process.pid}-${people++}@example.com`);

describe.each(links)("codes and windows on $name", ({ open }) => {
  let link: Link;
  beforeAll(async () => {
    link = await open();
  });
  afterAll(() => link.close());

  function setup(policy: Partial<CodePolicy> = {}) {
    const codes = createCodeStore(link.store, { ...defaultCodePolicy, ...policy });
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
    link.advance(300);
    expect(await consume(second.challenge, "123456")).toMatchObject({ accepted: false, why: "locked" });
    link.advance(1);
    expect(await consume(second.challenge, "123456")).toEqual(accepted);
  });

  it("sends no second code within the resend interval", async () => {
    const { issue } = setup({ resendMs: 150 });
    const { issued } = await issue();
    if (!issued.issued) throw new Error("the first code was not issued");
    expect((await issue()).issued).toEqual({ issued: false, retryAt: issued.resendAt, waitMs: expect.any(Number) });
    link.advance(149);
    expect((await issue()).issued).toEqual({ issued: false, retryAt: issued.resendAt, waitMs: expect.any(Number) });
    link.advance(2);
    expect((await issue()).issued).toMatchObject({ issued: true });
  });

  it("forgets a code at its deadline, and a wrong try does not extend it", async () => {
    const { issue, consume } = setup({ ttlMs: 150 });
    const { challenge } = await issue();
    link.advance(149);
    expect(await consume(challenge, "000000")).toEqual(wrong(4));
    link.advance(2);
    expect(await consume(challenge, "123456")).toEqual(gone);
  });

  it("keeps no code in Redis", async () => {
    const { issue } = setup();
    await issue("987654");
    const keys = (await link.engine.send(["KEYS", "code*"])) as string[];
    const values = await Promise.all(keys.map((key) => link.engine.send(["GET", key])));
    expect(JSON.stringify([keys, values])).not.toContain("987654");
  });

  it("lets a window's tokens through and no more, however many ask at once", async () => {
    const windows = createWindows(link.store, "pepper");
    const limit: Limit = { name: `test-${people++}`, tokens: 7, windowMs: 60_000 };
    link.advance(60_000 - (link.now() % 60_000) + 1000);
    const taken = await Promise.all(Array.from({ length: 30 }, () => windows.take(limit, "203.0.113.7")));
    expect(taken.filter(({ allowed }) => allowed)).toHaveLength(7);
    const end = link.now() - 1000 + 60_000;
    for (const { resetAt, waitMs } of taken) expect([resetAt, waitMs]).toEqual([end, 59_000]);
    expect((await windows.take(limit, "203.0.113.8")).allowed).toBe(true);
    const keys = (await link.engine.send(["KEYS", `window:${limit.name}*`])) as string[];
    expect(keys).toHaveLength(2);
    expect(keys.join()).not.toContain("203.0.113");
  });

  it("counts the window before by its part that still overlaps, and refuses by the same count", async () => {
    const windows = createWindows(link.store, "pepper");
    const limit: Limit = { name: `test-${people++}`, tokens: 5, windowMs: 1000 };
    const random = randomOf(7);
    let allowed: number[] = [];
    for (let step = 0; step < 300; step++) {
      link.advance(random(400));
      const now = link.now();
      const began = now - (now % 1000);
      const count = allowed.filter((at) => at >= began).length;
      const before = allowed.filter((at) => at >= began - 1000 && at < began).length;
      const counts = count + Math.floor((before * (began + 1000 - now)) / 1000);
      const isAllowed = counts < 5;
      expect(await windows.take(limit, "someone"), `step ${step}`).toEqual({
        ...{ allowed: isAllowed, limit: 5, remaining: isAllowed ? 4 - counts : 5 - Math.min(5, counts) },
        ...{ resetAt: began + 1000, waitMs: began + 1000 - now },
      });
      if (isAllowed) allowed = [...allowed, now];
    }
    expect(allowed.length).toBeGreaterThan(100);
    link.advance(2001);
    expect(await link.engine.send(["KEYS", `window:${limit.name}*`])).toEqual([]);
  });

  it("calls a window's record that it cannot read corrupt, and refuses a limit that lets nothing through", async () => {
    const windows = createWindows(link.store, "pepper");
    const limit: Limit = { name: `test-${people++}`, tokens: 5, windowMs: 1000 };
    await windows.take(limit, "someone");
    const [key] = (await link.engine.send(["KEYS", `window:${limit.name}*`])) as string[];
    await link.engine.send(["SET", key as string, "nonsense"]);
    await expect(windows.take(limit, "someone")).rejects.toMatchObject({ reason: { tag: "store-corrupt" } });
    await expect(windows.take({ ...limit, tokens: 0 }, "someone")).rejects.toThrow("tokens must be");
  });
});
