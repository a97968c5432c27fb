/** A page of another origin in Chromium: with leave it logs in, streams and takes a stream up again; without, it gets nothing. */
import { createServer, type Server } from "node:http";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WAIT_MS } from "../support/runner/size.ts";
import { startTestStack, type TestStack } from "../support/service/stack.ts";
import { chromiumPath } from "../support/stores/found.ts";
import { freePort } from "../support/stores/port.ts";
import { launch } from "./launch.ts";

describe.skipIf(!chromiumPath)("in Chromium, a page of an origin that is", () => {
  let stack: TestStack;
  let browser: Browser;
  const servers: Server[] = [];
  const ports: number[] = [];
  beforeAll(async () => {
    for (let n = 0; n < 2; n++) {
      const port = await freePort();
      const page = "<!doctype html><title>elsewhere</title>";
      const server = createServer((_, response) => response.writeHead(200, { "Content-Type": "text/html" }).end(page));
      await new Promise<void>((resolve) => server.listen(port, "localhost", resolve));
      servers.push(server);
      ports.push(port);
    }
    stack = await startTestStack({ allowedOrigins: [`http://localhost:${ports[0]}`] });
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
    for (const server of servers) server.close();
  });

  async function open(n: number): Promise<Page> {
    const context = await browser.newContext();
    context.setDefaultTimeout(WAIT_MS);
    const page = await context.newPage();
    await page.goto(`http://localhost:${ports[n]}/`);
    return page;
  }

  it("allowed: log in, stream, and go on with a stream that was dropped", async () => {
    const page = await open(0);
    const login = await stack.askCode("elsewhere@example.com");
    const seen = await page.evaluate(
      async ([api, body]) => {
        const json = { "Content-Type": "application/json" };
        const verified = await fetch(`${api}/auth/verify`, {
          method: "POST",
          headers: json,
          body: JSON.stringify(body),
        });
        const { token } = await verified.json();
        const headers = { ...json, Authorization: `Bearer ${token}` };
        const { thread_id } = await (await fetch(`${api}/threads`, { method: "POST", headers, body: "{}" })).json();
        const input = { messages: [{ role: "user", content: "What is 6 * 7?" }] };
        const request = { assistant_id: "agent", input, stream_mode: "values", stream_resumable: true };
        const run = await fetch(`${api}/threads/${thread_id}/runs/stream`, {
          ...{ method: "POST", headers, body: JSON.stringify(request) },
        });
        const location = run.headers.get("Content-Location");
        // Dropped after the first bytes.
        const reader = run.body?.getReader();
        await reader?.read();
        await reader?.cancel();
        const again = await fetch(`${api}${location}/stream`, { headers: { ...headers, "Last-Event-ID": "0" } });
        const text = await again.text();
        return {
          location,
          status: again.status,
          expires: again.headers.has("X-Session-Expires-At"),
          text,
          cookie: document.cookie,
        };
      },
      [stack.api, login] as const,
    );
    expect(seen).toMatchObject({ status: 200, expires: true, cookie: "" });
    expect(seen.location).toMatch(/^\/threads\/.*\/runs\//);
    expect(seen.text).toContain("42");
  });

  it("not allowed: reads nothing, and sends nothing that asks first", async () => {
    const page = await open(1);
    const token = await stack.logIn("elsewhere-not@example.com");
    const failures = await page.evaluate(
      async ([api, token]) => {
        const tries = [
          () => fetch(`${api}/ok`),
          () => fetch(`${api}/auth/session`, { credentials: "include" }),
          () => fetch(`${api}/auth/session`, { headers: { Authorization: `Bearer ${token}` } }),
          () => fetch(`${api}/threads`, { method: "POST", headers: { "x-api-key": token as string }, body: "{}" }),
        ];
        return Promise.all(
          tries.map((attempt) =>
            attempt().then(
              ({ status }) => String(status),
              ({ message }) => message,
            ),
          ),
        );
      },
      [stack.api, token] as const,
    );
    expect(failures).toEqual(Array(4).fill("Failed to fetch"));
  });
});
