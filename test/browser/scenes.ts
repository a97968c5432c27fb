/** Every state of every screen, each reached as a person reaches it, for the pictures of screenshots.ts. */
import type { Page } from "playwright-core";
import type { HeldAgent } from "../support/service/held-agent.ts";
import type { TestStack } from "../support/service/stack.ts";
import type { Network } from "./network.ts";
import { askCode, codeOf, ends, go, homeShowsLogin, logIn, notice, say, trouble, wrongCode } from "./site.ts";
import type { SiteClock } from "./site-clock.ts";

interface Stage {
  page: Page;
  stack: TestStack;
  clock: SiteClock;
  network: Network;
  held: HeldAgent;
  take: (name: string) => Promise<unknown>;
}

const EMAIL = "ada@example.com";
const MINUTE = 60_000;
const SIGNED_IN = "You are logged in as";

async function opening({ page, stack, network, take }: Stage): Promise<void> {
  network.hold();
  await page.goto(stack.url);
  await page.getByText("Finding out whether you are logged in.").waitFor();
  await take("opening");
  network.answer(502);
  await page.reload();
  await page.getByRole("heading", { name: "Tenure does not answer" }).waitFor();
  await take("opening-unavailable");
  network.restore();
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("A login lasts").waitFor();
}

async function login({ page, stack, clock, network, take }: Stage): Promise<void> {
  const field = page.getByLabel("The six-digit code");
  await take("login");
  network.hold("/auth/code");
  await page.getByLabel("E-mail").fill(EMAIL);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Sending…" }).waitFor();
  await take("login-sending");
  network.restore();
  await field.waitFor();
  await page.getByText("This server sends no mail").waitFor();
  await field.fill("12345");
  await take("code");
  const right = await codeOf(stack, EMAIL);
  await field.fill(wrongCode(right));
  await page.getByText("That is not the code.").waitFor();
  await take("code-wrong");
  network.hold("/auth/verify");
  await field.fill(right);
  await page.getByRole("button", { name: "Logging in…" }).waitFor();
  await take("code-checking");
  network.answer(503, "/auth/verify");
  await page.reload();
  await field.fill(right);
  await page.getByText("The service is unavailable at the moment.").waitFor();
  await take("code-unavailable");
  network.restore();
  await clock.moveBy(10 * MINUTE + 1000);
  await page.getByText("This code has expired").waitFor();
  await take("code-expired");
  await page.reload();
  await page.getByLabel("E-mail").waitFor();
  await page.context().setOffline(true);
  await notice(page, "You are offline.");
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.getByText("You are offline. Try again").waitFor();
  await take("login-offline");
  await page.context().setOffline(false);
  await page.evaluate(() => sessionStorage.clear());
  await page.reload();
  await askCode(page, stack, "lovelace@example.com");
  await page.evaluate(() => sessionStorage.clear());
  await page.reload();
  await page.getByLabel("E-mail").fill("lovelace@example.com");
  await page.keyboard.press("Enter");
  await page.getByText("A code was sent a moment ago").waitFor();
  await take("login-too-soon");
}

async function home({ page, stack, clock, network, take }: Stage): Promise<void> {
  await logIn(page, stack, EMAIL);
  await homeShowsLogin(page);
  await take("home");
  network.hold("/activity");
  await page.reload();
  await page.getByText("Loading your activity…").waitFor();
  await page.getByText("(this one)").waitFor();
  await take("home-loading");
  network.answer(503, "/activity");
  await page.reload();
  await page.getByText("The service is unavailable at the moment.").waitFor();
  await page.getByText("(this one)").waitFor();
  await take("home-failed");
  network.answer(503, "/auth/session");
  await page.getByRole("button", { name: "Touch the session" }).click();
  await notice(page, "You are still logged in");
  await take("home-unavailable");
  network.restore();
  await page.getByRole("button", { name: "Log out everywhere" }).click();
  await page.getByRole("dialog").waitFor();
  await take("home-confirm");
  await page.keyboard.press("Escape");
  await clock.moveBy(15 * MINUTE + 1);
  await page.reload();
  await page.getByRole("button", { name: "Log in again to see your devices" }).waitFor();
  await take("home-recent-login");
  await clock.moveBy(31 * MINUTE);
  await notice(page, "Your session has ended.");
  await take("login-expired");
  await logIn(page, stack, EMAIL);
}

async function chat({ page, stack, clock, network, held, take }: Stage): Promise<void> {
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
  await clock.moveBy(1);
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

async function texts({ page, stack, take }: Stage): Promise<void> {
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

async function race({ page, clock, network, take }: Stage): Promise<void> {
  await go(page, "Expiry race");
  await page.getByText("No race has begun yet.").waitFor();
  await take("race-before");
  network.answer(503, "/race");
  await page.getByRole("button", { name: "Start the race" }).click();
  await notice(page, "The service is unavailable");
  await take("race-unavailable");
  network.restore();
  await page.getByRole("button", { name: "Start the race" }).click();
  await page.getByText("11 seconds to the deadline.").waitFor();
  await take("race-running");
  const deadline = Math.ceil((clock.now() + 10_000) / 1000) * 1000;
  // The last read before the deadline, the first after it, and one some seconds on: one sees how the item lingers.
  for (const [ms, seen] of [
    [-60, "1 second to the deadline."],
    [140, "DynamoDB still has the item"],
    [7_140, "7.14 s after"],
  ] as const) {
    await clock.moveTo(deadline + ms);
    await page.getByText(seen).waitFor();
  }
  await take("race");
}

async function otherUser({ page, stack, take }: Stage): Promise<void> {
  await go(page, "Home");
  await page.getByText(SIGNED_IN).waitFor();
  const second = await page.context().newPage();
  await second.route("**/api/auth/session", (route) => route.fulfill({ status: 401, body: "" }), { times: 1 });
  await second.goto(stack.url);
  await logIn(second, stack, "grace@example.com");
  await notice(page, "Another tab has logged in");
  await page.getByRole("list", { name: "Devices" }).waitFor();
  await second.close();
  await take("home-other-user");
}

export const scenes = [opening, login, home, chat, texts, race, otherUser];
