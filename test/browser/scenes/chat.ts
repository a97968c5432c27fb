/** The chat: a conversation, all that can go wrong in it, and texts of every kind. */
import { ends, go, messageField, say, trouble } from "../site.ts";
import { EMAIL, expire, type Stage } from "./stage.ts";

export async function chat(stage: Stage): Promise<void> {
  const { page, stack, network, held, take } = stage;
  network.hold("/threads/search");
  await go(page, "Chat");
  await page.getByText("Nothing was said yet.").waitFor();
  await take("chat-loading");
  network.restore();
  await take("chat-empty");
  network.hold("/runs/stream");
  await say(page, "What is 6 * 7?");
  await page.getByRole("button", { name: "Sending…" }).waitFor();
  await take("chat-sending");
  network.restore();
  await ends(page).first().waitFor();
  await say(page, "remember: buy milk");
  await page.getByRole("button", { name: "Approve" }).waitFor();
  await page.getByRole("button", { name: /Checkpoint 7/ }).waitFor();
  await take("chat");
  await page.getByRole("group", { name: "Approval" }).getByText("Details").click();
  await take("chat-approval-details");
  await page.getByRole("button", { name: "Decline" }).click();
  await ends(page).nth(1).waitFor();
  await ends(page).first().click();
  await page.getByText("The next message goes on from here").waitFor();
  await take("chat-checkpoint");
  await page.getByRole("button", { name: "Back to the present" }).click();
  await page.getByRole("button", { name: "Edit this message" }).nth(1).click();
  await page.getByText("You change an earlier message").waitFor();
  await take("chat-edit");
  await say(page, "What is 2 + 2?");
  await ends(page).nth(2).waitFor();
  await take("chat-branch");
  held.hold();
  await say(page, "Tell me something.\n\nAnd take your time.");
  await page.getByText("The agent is at work…").waitFor();
  await page.getByRole("listitem").filter({ hasText: /I\s*$/ }).waitFor();
  await take("chat-running");
  await page.getByRole("button", { name: "Stop" }).click();
  await trouble(page, "This answer was stopped");
  held.release();
  await take("chat-stopped");
  held.fail("the model is away");
  await page.getByRole("button", { name: "Go on" }).click();
  await trouble(page, "the model is away");
  await take("chat-failed");
  await page.context().setOffline(true);
  await say(page, "half a thought");
  await trouble(page, "You are offline.");
  await take("chat-offline");
  await page.context().setOffline(false);
  network.hold("/state");
  await page.reload();
  await page.getByText("Loading the thread…").waitFor();
  await take("thread-loading");
  network.answer(503, "/state");
  await page.reload();
  await trouble(page, "The service is unavailable at the moment.");
  await take("chat-unread");
  network.restore();
  await page.getByRole("alert").getByRole("button", { name: "Try again" }).click();
  await page.getByRole("button", { name: "Rename" }).click();
  await take("chat-rename");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").waitFor();
  await take("chat-delete");
  await page.getByRole("button", { name: "Keep it" }).click();
  await page.goto(`${stack.url}/#/chat/00000000-0000-4000-8000-000000000000`);
  await trouble(page, "This thread is gone");
  await take("chat-gone");
  await page.getByRole("link", { name: "Begin a new thread" }).click();
  await page.getByText("Nothing was said yet.").waitFor();
  await messageField(page).fill("half a thought");
  await expire(stage, "chat-expired");
  await page.getByText("Nothing was said yet.").waitFor();
}

const MARKDOWN = [
  ["human", "How do I pick a key for a session?\n\nA short answer, please."],
  [
    "ai",
    "Take **256 random bits**, and store only their hash:\n\n```ts\nconst secret = randomBytes(32);\nawait redis.set('session:' + sha256(secret), data, { px: idleMs });\n```\n\n1. The token leaves the server once.\n2. A reader of Redis cannot use what it finds.\n\n| key | holds |\n| --- | --- |\n| `session:…` | the user, two deadlines |\n| `code:…` | a digest, and the tries left |\n\n> More in [the storage format](https://example.com/storage-format).",
  ],
  ["human", "שלום, מה שלומך?"],
  ["ai", "שלום! אני **סוכן** לא מקוון."],
] as const;

export async function texts({ page, stack, take }: Stage): Promise<void> {
  const token = await stack.logIn(EMAIL);
  const send = async (path: string, body: object) =>
    (await (await stack.request("POST", path, { token, body })).json()) as { thread_id: string };
  for (let n = 40; n > 0; n--) await send("/threads", { metadata: { title: `An earlier thread, number ${n}` } });
  const { thread_id } = await send("/threads", { metadata: { graph_id: "agent", title: "A key for a session" } });
  const messages = MARKDOWN.map(([type, content], n) => ({ type, content, id: `text-${n}` }));
  await send(`/threads/${thread_id}/state`, { values: { messages }, as_node: "model" });
  await page.goto(`${stack.url}/#/chat/${thread_id}`);
  await page.locator(".code-block").waitFor();
  await page.getByRole("heading", { name: "A key for a session" }).waitFor();
  await take("chat-texts");
  const toggle = page.getByRole("button", { name: "Threads", exact: true });
  if (await toggle.isVisible()) await toggle.click();
  await take("chat-threads");
}
