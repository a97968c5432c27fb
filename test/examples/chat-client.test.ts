import { readFileSync } from "node:fs";
import { expect, it, vi } from "vitest";
import { converse } from "../../examples/chat-client.ts";
import { startTestStack } from "../support/service/stack.ts";

it("talks to the agent as it is written", async () => {
  const stack = await startTestStack();
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  const held = await converse(stack.api, await stack.logIn("program@example.com"));
  expect(held).toEqual(["human", "ai", "tool", "ai", "human", "ai", "tool", "ai", "buy milk"]);
  expect(log.mock.calls.flat(2)).toEqual(["model", "tools", "model"]);
  log.mockRestore();
  await stack.close();
});

it("stands in docs/frontend.md, and so does the hook, to the letter", () => {
  const root = new URL("../../", import.meta.url);
  const page = readFileSync(new URL("docs/frontend.md", root), "utf8");
  for (const name of ["chat-client", "chat-hook"])
    expect(page).toContain(`\`\`\`ts\n${readFileSync(new URL(`examples/${name}.ts`, root), "utf8")}\`\`\``);
});
