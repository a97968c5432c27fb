/** LangGraph's React hook in a real browser, at the site's origin, with nothing but the session cookie. */
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WAIT_MS } from "../support/runner/size.ts";
import { HeldAgent } from "../support/service/held-agent.ts";
import { startTestStack, type TestStack } from "../support/service/stack.ts";
import { chromiumPath } from "../support/stores/found.ts";
import { launch } from "./launch.ts";

async function bundle(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "error",
    define: { "process.env.NODE_ENV": '"production"' },
    build: {
      write: false,
      lib: { entry: fileURLToPath(new URL("hook-page.ts", import.meta.url)), formats: ["es"] },
    },
  });
  const [output] = [built].flat();
  const chunk = output && "output" in output ? output.output[0] : undefined;
  if (chunk?.type !== "chunk") throw new Error("the page was not built");
  return chunk.code;
}

describe.skipIf(!chromiumPath)("useStream in Chromium", () => {
  const held = new HeldAgent();
  let stack: TestStack;
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    stack = await startTestStack({}, { graphs: { agent: held.graph } });
    browser = await launch();
    const context = await browser.newContext();
    const code = await bundle();
    await context.route("**/hook.html", (route) =>
      route.fulfill({
        contentType: "text/html",
        body: '<div id="root"></div><script type="module" src="/hook.js"></script>',
      }),
    );
    await context.route("**/hook.js", (route) => route.fulfill({ contentType: "text/javascript", body: code }));
    context.setDefaultTimeout(WAIT_MS);
    page = await context.newPage();
    await page.goto(`${stack.url}/hook.html`);
    const login = await stack.askCode("hook@example.com");
    const status = await page.evaluate(async (body) => {
      const headers = { "Content-Type": "application/json" };
      return (await fetch("/api/auth/verify", { method: "POST", headers, body: JSON.stringify(body) })).status;
    }, login);
    expect(status).toBe(200);
  });
  afterAll(async () => {
    held.release();
    await browser?.close();
    await stack?.close();
  });

  const say = async (text: string) => {
    await page.getByLabel("Message").fill(text);
    await page.getByRole("button", { name: "Send" }).click();
  };
  const status = (words: string) => page.getByRole("status").filter({ hasText: words }).waitFor();
  const answer = (words: RegExp) => page.getByRole("listitem").filter({ hasText: words }).waitFor();

  it("has two turns, asks a person, shows an error, stops, and goes on after a reload in the middle", async () => {
    await say("What is 6 * 7?");
    await page.getByText("42. I am Tenure's offline agent").waitFor();
    await status("idle");
    await say("remember: buy milk");
    await page.getByText("May I call save_note?").waitFor();
    await status("idle");
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByText("ai: Saved: buy milk").waitFor();
    await status("idle");

    held.hold();
    await say("What is 7 * 8?");
    await answer(/^ai: 56\.\s*$/);
    await page.reload();
    await answer(/^ai: 56\.\s*$/);
    held.release();
    await answer(/^ai: 56\. I am Tenure's offline agent/);
    await status("idle");

    held.hold();
    await say("Tell me something.");
    await answer(/^ai: I\s*$/);
    await status("working");
    await page.getByRole("button", { name: "Stop" }).click();
    await status("idle");
    held.release();
    expect(await page.getByRole("alert").count()).toBe(0);

    await page.context().clearCookies();
    await say("Who am I now?");
    await page.getByRole("alert").filter({ hasText: "401" }).waitFor();
  });
});
