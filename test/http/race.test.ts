/** The demo's race: real reads of both stores, of one's own races only, and not without end. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../engines/stack.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack({ limits: "on" });
});
afterAll(() => stack.close());

const start = (token: string) => stack.request("POST", "/race", { token });
const read = async (id: string, token: string) => (await stack.request("GET", `/race/${id}`, { token })).json();

it("is found in all three ways by who began it, by nobody else, and by nobody who is not logged in", async () => {
  const [ada, eve] = [await stack.logIn("ada@example.com"), await stack.logIn("eve@example.com")];
  const begun = await start(ada);
  const race = (await begun.json()) as { id: string; deadline: number; now: number };
  expect(begun.status).toBe(201);
  expect(race.deadline % 1000).toBe(0);
  expect(race.deadline - race.now).toBeGreaterThan(9000);
  expect(await read(race.id, ada)).toMatchObject({ redis: true, stored: true, checked: true });
  expect(await read(race.id, eve)).toMatchObject({ redis: false, stored: false, checked: false });
  expect((await stack.request("POST", "/race")).status).toBe(401);
  expect((await stack.request("GET", "/race/anything", { token: ada })).status).toBe(404);
});

it("is limited", async () => {
  const token = await stack.logIn("often@example.com");
  const statuses: number[] = [];
  for (let n = 0; n < 7; n++) statuses.push((await start(token)).status);
  expect(statuses).toEqual([...Array(6).fill(201), 429]);
});
