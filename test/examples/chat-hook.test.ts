/** LangGraph's React hook against the whole stack: turns, an approval, an error, a stop, and a reload in the middle. */
import { JSDOM } from "jsdom";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { WAIT_MS } from "../support/runner/size.ts";
import { HeldAgent } from "../support/service/held-agent.ts";
import { startTestStack, type TestStack } from "../support/service/stack.ts";

// A document for React, while requests stay Node's own.
const { window } = new JSDOM("<!doctype html><body></body>", { url: "http://localhost/" });
Object.assign(globalThis, {
  window,
  document: window.document,
  sessionStorage: window.sessionStorage,
  ...(!("navigator" in globalThis) && { navigator: window.navigator }),
  IS_REACT_ACT_ENVIRONMENT: true,
});
const { act, cleanup, configure, renderHook, waitFor } = await import("@testing-library/react");
// Catches what hangs.
configure({ asyncUtilTimeout: WAIT_MS });
const { useChat } = await import("../../examples/chat-hook.ts");

const held = new HeldAgent();
let stack: TestStack;
let token: string;
beforeAll(async () => {
  stack = await startTestStack({}, { graphs: { agent: held.graph } });
  token = await stack.logIn("hook@example.com");
});
afterAll(() => stack.close());
afterEach(() => {
  cleanup();
  sessionStorage.clear();
});

function chat(threadId: string | null = null) {
  let current = threadId;
  const hook = renderHook(() =>
    useChat({ apiUrl: stack.api, token, threadId: current, onThreadId: (id) => (current = id) }),
  );
  return { ...hook, threadId: () => current ?? "" };
}
const said = (chatting: ReturnType<typeof chat>) => chatting.result.current.messages.map(({ type }) => type);
const say = (chatting: ReturnType<typeof chat>, content: string) =>
  act(async () => {
    void chatting.result.current.submit({ messages: [{ type: "human", content }] });
  });
const settled = (chatting: ReturnType<typeof chat>) =>
  waitFor(() => expect(chatting.result.current.isLoading).toBe(false));

it("has two turns, and finds them again after a reload", async () => {
  const first = chat();
  await say(first, "What is 6 * 7?");
  await settled(first);
  await waitFor(() => expect(said(first)).toEqual(["human", "ai", "tool", "ai"]));
  first.rerender();
  await say(first, "Thanks.");
  await settled(first);
  await waitFor(() => expect(said(first)).toHaveLength(6));
  const again = chat(first.threadId());
  await waitFor(() => expect(said(again)).toHaveLength(6));
});

it("asks a person, and goes on with the answer", async () => {
  const chatting = chat();
  await say(chatting, "remember: buy milk");
  await waitFor(() =>
    expect(chatting.result.current.interrupt?.value).toMatchObject({ question: "May I call save_note?" }),
  );
  await settled(chatting);
  await act(async () => {
    void chatting.result.current.submit(undefined, { command: { resume: true } });
  });
  await waitFor(() => expect(String(chatting.result.current.messages.at(-1)?.content)).toMatch(/^Saved: buy milk/));
  await settled(chatting);
  expect(chatting.result.current.interrupt).toBe(undefined);
});

it("shows an error, and stops when it is told to", async () => {
  const chatting = chat();
  await act(async () => {
    void chatting.result.current.submit(
      { messages: [{ type: "human", content: "6 * 7" }] },
      { config: { recursion_limit: 1 } },
    );
  });
  await waitFor(() => expect(String(chatting.result.current.error)).toMatch(/[Rr]ecursion/));
  await settled(chatting);

  const stopped = chat();
  await say(stopped, "Hello.");
  await act(async () => {
    await stopped.result.current.stop();
  });
  await settled(stopped);
  const thread = async () =>
    (await (await stack.request("GET", `/threads/${stopped.threadId()}`, { token })).json()) as { status: string };
  if (stopped.threadId()) await waitFor(async () => expect((await thread()).status).toBe("idle"));
});

it("goes on with an answer that was under way when the page was left", async () => {
  const first = chat();
  held.hold();
  await say(first, "Hello.");
  await waitFor(() => expect(sessionStorage.length).toBe(1));
  first.unmount();
  held.release();
  const again = chat(first.threadId());
  await waitFor(() => expect(String(again.result.current.messages.at(-1)?.content)).toContain("offline agent"));
  await settled(again);
});
