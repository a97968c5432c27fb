/** An agent's Markdown is shown, and nothing of it runs, loads, styles the page, or breaks the page's policy. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { parrot } from "../support/service/parrot.ts";
import { chromiumPath } from "../support/stores/found.ts";
import { Site } from "./fixture.ts";
import { hostileMarkdown } from "./hostile-markdown.ts";
import { accessibility, fits, homeIsDrawn, logIn } from "./site.ts";

const ALLOWED = "a blockquote br button code del div em h3 hr li ol p pre span strong table tbody td th thead tr ul";

describe.skipIf(!chromiumPath)("Markdown in Chromium", () => {
  // The fixture fails for a violation of the policy, an error of the page, and a request to anywhere else.
  const site = Site.use({}, { graphs: { agent: parrot } });

  /** Opens a thread in which the agent has said each of these. */
  async function hear(email: string, texts: string[]): Promise<Page> {
    const { stack } = site;
    const token = await stack.logIn(email);
    const send = async (path: string, body: object): Promise<{ thread_id: string }> => {
      const answer = await stack.request("POST", path, { token, body });
      expect(answer.status).toBe(200);
      return (await answer.json()) as { thread_id: string };
    };
    const { thread_id } = await send("/threads", { metadata: { graph_id: "agent", title: "Markdown" } });
    const messages = texts.map((content, n) => ({ type: "ai", id: `text-${n}`, content }));
    await send(`/threads/${thread_id}/state`, { values: { messages }, as_node: "model" });
    const page = await site.open();
    await logIn(page, stack, email);
    await homeIsDrawn(page);
    await page.goto(`${stack.url}/#/chat/${thread_id}`);
    await expect.poll(() => page.locator("[data-type=ai]").count()).toBe(texts.length);
    // Drawn as Markdown: until then the texts are shown as they are.
    await page.locator("[data-type=ai] > p").first().waitFor();
    return page;
  }

  it("shows what a text needs", async () => {
    const text = [
      "# Title\n\n**bold** and *em* and ~~gone~~ and `code`, [a link](https://example.com/a?b=1&c=2)",
      "1. one\n2. two\n   - inner\n\n- [x] done\n- [ ] open",
      "> quoted\n\n| a | b |\n| :- | -: |\n| 1 | 2 |\n\n---\n\n```js\nlet a = '<b>';\n```",
    ].join("\n\n");
    const page = await hear("shows@example.com", [text]);
    const said = page.locator("[data-type=ai]");
    await said.getByRole("heading", { name: "Title", level: 3 }).waitFor();
    for (const part of [
      "strong",
      "em",
      "del",
      "p > code",
      "ol > li > ul > li",
      "blockquote > p",
      "td",
      "hr",
      "pre > code",
    ])
      expect(await said.locator(part).count(), part).toBeGreaterThan(0);
    const link = said.getByRole("link", { name: "a link" });
    expect(await link.getAttribute("href")).toBe("https://example.com/a?b=1&c=2");
    expect(await link.getAttribute("rel")).toBe("noopener noreferrer nofollow");
    expect(await said.locator("pre").textContent()).toBe("let a = '<b>';\n");
    expect(await said.textContent()).toContain("☑ done");
    expect(await accessibility(page)).toEqual([]);
  });

  it(`runs and loads nothing of ${hostileMarkdown.length} hostile texts, and shows each`, async () => {
    const page = await hear("hostile@example.com", hostileMarkdown);
    const found = await page.locator("[data-type=ai] *").evaluateAll((all, allowed) => {
      const names = new Set(allowed.split(" "));
      const attributes = new Set("align class dir href rel start tabindex target type".split(" "));
      return all.flatMap((element) => {
        const name = element.localName;
        const odd = [...element.attributes].map((one) => one.name).filter((one) => !attributes.has(one));
        const href = element.getAttribute("href");
        const isOdd = href !== null && !/^(https?:\/\/|mailto:)/.test(href);
        const own = element.closest("button, div, .visually-hidden");
        const isOddButton = name === "button" && element.textContent !== "Copy";
        return !names.has(name) || odd.length > 0 || isOdd || isOddButton || (name === "span" && !own)
          ? [`${element.outerHTML.slice(0, 200)}`]
          : [];
      });
    }, ALLOWED);
    expect(found).toEqual([]);
    expect(await page.evaluate(() => "hacked" in globalThis)).toBe(false);
    expect(await page.evaluate(() => document.querySelector("[data-type=ai] [id], [data-type=ai] [name]"))).toBeNull();
    // The page is as it was: one message field, one way out, one notice.
    expect(await page.getByLabel("Message", { exact: true }).count()).toBe(1);
    expect(await page.getByRole("button", { name: /log out/i }).count()).toBe(1);
    for (const index of [0, 52, hostileMarkdown.length - 1])
      expect((await page.locator("[data-type=ai]").nth(index).textContent())?.length).toBeGreaterThan(8);
    await fits(page);
  });
});
