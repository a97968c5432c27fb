/** The service's description of itself: what a page says of lifetimes and stores is the stage's own, not a constant of the page. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../support/service/stack.ts";

const MINUTE = 60_000;

describe("/info", () => {
  let stack: TestStack;
  beforeAll(async () => {
    stack = await startTestStack({ sessionPolicy: { idleMs: 7 * MINUTE, absoluteMs: 90 * MINUTE }, demo: "off" });
  });
  afterAll(() => stack?.close());

  it("tells the stage's lifetimes, its stores and its mailbox to anyone", async () => {
    const answer = await stack.request("GET", "/info");
    expect(answer.status).toBe(200);
    const info = (await answer.json()) as { flags: { race: boolean }; local: { mailbox: string } };
    expect(info).toMatchObject({
      flags: { race: false },
      sessions: { idleMs: 7 * MINUTE, absoluteMs: 90 * MINUTE },
      local: { redis: expect.stringContaining("emulator"), dynamodb: expect.stringContaining("emulator") },
    });
    expect((await fetch(stack.url + info.local.mailbox)).status).toBe(200);
  });
});
