/** The demo's race: real reads of both stores, of one's own races only, and not without end. */
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startTestStack, type TestStack } from "../support/service/stack.ts";

/** Early in a minute, so that no window of a limit ends within the tests; 250 ms past a second. */
const START = Date.UTC(2030, 0, 1, 12, 0, 1, 250);

let stack: TestStack;
beforeAll(async () => {
  // Date itself, since the limiter takes no clock.
  vi.useFakeTimers({ toFake: ["Date"], now: START });
  stack = await startTestStack({ limits: "on" }, { sweepEveryMs: false });
});
afterAll(async () => {
  await stack.close();
  vi.useRealTimers();
});

const start = (token: string) => stack.request("POST", "/race", { token });
const read = async (id: string, token: string) => (await stack.request("GET", `/race/${id}`, { token })).json();

it("is found in all three ways until its deadline by who began it, by nobody else, and by nobody who is not logged in", async () => {
  const [ada, eve] = [await stack.logIn("ada@example.com"), await stack.logIn("eve@example.com")];
  const begun = await start(ada);
  const race = (await begun.json()) as { id: string; deadline: number; now: number };
  const deadline = START + 10_750;
  expect(begun.status).toBe(201);
  expect(race).toEqual({ id: expect.stringMatching(/^race_/), now: START, deadline });
  expect(await read(race.id, ada)).toEqual({ at: START, redis: true, stored: true, checked: true });
  expect(await read(race.id, eve)).toMatchObject({ redis: false, stored: false, checked: false });
  expect((await stack.request("POST", "/race")).status).toBe(401);
  expect((await stack.request("GET", "/race/anything", { token: ada })).status).toBe(404);

  vi.setSystemTime(deadline - 1);
  expect(await stack.sweep()).toBe(0);
  expect(await read(race.id, ada)).toEqual({ at: deadline - 1, redis: true, stored: true, checked: true });
  vi.setSystemTime(deadline + 1);
  expect(await read(race.id, ada)).toEqual({ at: deadline + 1, redis: false, stored: true, checked: false });
  expect(await stack.sweep()).toBe(1);
  expect(await read(race.id, ada)).toEqual({ at: deadline + 1, redis: false, stored: false, checked: false });
});

it("is limited", async () => {
  const token = await stack.logIn("often@example.com");
  const statuses: number[] = [];
  for (let n = 0; n < 7; n++) statuses.push((await start(token)).status);
  expect(statuses).toEqual([...Array(6).fill(201), 429]);
});
