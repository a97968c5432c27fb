/** The site's JavaScript, as it travels. LangGraph's client is counted apart: it is a chunk of its own, and only the chat loads it. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";

const MOST_BYTES = 60 * 1024;
const assets = fileURLToPath(new URL("../../packages/web/dist/site/assets/", import.meta.url));
const index = fileURLToPath(new URL("../../packages/web/dist/site/index.html", import.meta.url));

const scripts = readdirSync(assets).filter((name) => name.endsWith(".js"));
const gzipped = (names: string[]) =>
  names.reduce((sum, name) => sum + gzipSync(readFileSync(assets + name), { level: 9 }).length, 0);

it("is below 60 KB without the client, and the first screen loads neither that nor Markdown", () => {
  const own = scripts.filter((name) => !name.startsWith("sdk-"));
  expect(scripts.length).toBeGreaterThan(own.length);
  expect(gzipped(own)).toBeLessThan(MOST_BYTES);
  // Without the chunk of the client there is none of it.
  for (const name of own) expect(readFileSync(assets + name, "utf8")).not.toContain("langgraph_api:fetch");
  const first = readFileSync(index, "utf8");
  expect(first).not.toMatch(/sdk-|markdown-/);
  expect(first).not.toMatch(/<script(?![^>]* src=)|<style|style=| on[a-z]+=/);
});
