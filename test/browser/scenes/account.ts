/** The login and the home screen, from the first moment to another tab's user. */
import { askCode, codeOf, go, homeShowsLogin, logIn, notice, wrongCode } from "../site.ts";
import { EMAIL, expire, MINUTE, type Stage } from "./stage.ts";

const SIGNED_IN = "You are logged in as";

export async function opening({ page, stack, network, take }: Stage): Promise<void> {
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

export async function login({ page, stack, clock, network, take }: Stage): Promise<void> {
  const field = page.getByLabel("The six-digit code");
  await take("login");
  network.answer(503, "/auth/code");
  await page.getByLabel("E-mail").fill(EMAIL);
  await page.keyboard.press("Enter");
  await page.getByText("The service is unavailable at the moment.").waitFor();
  await take("login-unavailable");
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
  await page.context().setOffline(true);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("You are offline. Try again").waitFor();
  await take("code-offline");
  await page.context().setOffline(false);
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

export async function home(stage: Stage): Promise<void> {
  const { page, stack, clock, network, take } = stage;
  await logIn(page, stack, EMAIL);
  await homeShowsLogin(page);
  await take("home");
  network.empty("/activity", { activity: [] });
  await page.reload();
  await page.getByText("Nothing yet.").waitFor();
  await page.getByText("(this one)").waitFor();
  await take("home-empty");
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
  await page.context().setOffline(true);
  await go(page, "Chat");
  await page.getByText("You are offline. Try again").waitFor();
  await go(page, "Home");
  await page.getByRole("alert").filter({ hasText: "You are offline." }).nth(1).waitFor();
  await take("home-offline");
  await page.context().setOffline(false);
  await clock.moveBy(15 * MINUTE + 1);
  await page.reload();
  await page.getByRole("button", { name: "Log in again to see your devices" }).waitFor();
  await take("home-recent-login");
  await expire(stage, "home-expired");
}

export async function otherUser({ page, stack, take }: Stage): Promise<void> {
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
