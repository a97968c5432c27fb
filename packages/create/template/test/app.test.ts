/** The application over HTTP, as its clients meet it: on stores of its own in a temporary folder, with the offline model. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startForTest, type TestServer } from "@tenure/local/testing";
import app from "../src/app.ts";

let server: TestServer;
before(async () => {
  server = await startForTest(app);
});
after(() => server.close());

test("the agent calls its tool and says what it got", async () => {
  const ask = await server.logIn("ada@example.com");
  const answer = await ask("/runs/wait", {
    assistant_id: "agent",
    input: { messages: [{ role: "user", content: 'Count the words of "to be or not to be"' }] },
  });
  const { messages } = (await answer.json()) as { messages: { type: string; content: string }[] };
  assert.deepEqual(
    messages.map(({ type }) => type),
    ["human", "ai", "tool", "ai"],
  );
  assert.match(messages[3]?.content ?? "", /6 words/);
});

test("a session is needed, says who somebody is, and ends with the logout", async () => {
  assert.equal((await fetch(`${server.url}/api/me`)).status, 401);
  const ask = await server.logIn("ada@example.com");
  assert.deepEqual(await (await ask("/me")).json(), { email: "ada@example.com" });
  assert.equal((await ask("/auth/logout", {})).status, 204);
  assert.equal((await ask("/me")).status, 401);
});
