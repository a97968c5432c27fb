/** `npm run schemas`: what LangGraph's extractor reads in the source of a graph whose state only types declare. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { graphSources, readSchemas, sourceFile } from "@tenure/local/graph-schemas";
import { describe, expect, it } from "vitest";
import { referenceServer } from "../support/stores/found.ts";

const graphs = fileURLToPath(new URL("graphs.ts", import.meta.url));

describe.skipIf(!referenceServer)("schemas from source", () => {
  it("are read for a graph and for its subgraphs", async () => {
    const read = await readSchemas(graphSources([`chat=${graphs}:chat`]), referenceServer ?? "");
    expect(Object.keys(read.chat ?? {})).toEqual(["", "inner"]);
    expect(read.chat?.[""]?.state).toMatchObject({
      type: "object",
      properties: { todo: { type: "string" }, log: { type: "array", items: { type: "string" } } },
    });
  });
});

describe("graphs to be read", () => {
  it("are named, with every mistake in its own line", () => {
    const folder = mkdtempSync(join(tmpdir(), "tenure-schemas-"));
    writeFileSync(join(folder, "c:h.ts"), "");
    expect(graphSources([`chat=${folder}/c:h.ts:chat`])).toEqual({ chat: `${folder}/c:h.ts:chat` });
    expect(() => graphSources(["chat.ts", "chat=missing.ts:chat"])).toThrow(
      expect.objectContaining({
        reason: {
          tag: "misconfigured",
          problems: ['"chat.ts" must be name=file:export', "missing.ts, of graph chat, is not there"],
        },
      }),
    );
    expect(() => graphSources([])).toThrow(expect.objectContaining({ reason: expect.anything() }));
    rmSync(folder, { recursive: true });
  });

  it("are written as a module that says the same", async () => {
    const schemas = { chat: { "": { state: { title: 'a "title"\n' } } } };
    const folder = mkdtempSync(join(tmpdir(), "tenure-schemas-"));
    writeFileSync(join(folder, "written.ts"), sourceFile(schemas));
    const { sourceSchemas } = (await import(join(folder, "written.ts"))) as { sourceSchemas: unknown };
    expect(sourceSchemas).toEqual(schemas);
    rmSync(folder, { recursive: true });
  });
});
