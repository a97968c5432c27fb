/**
 * Takes over what an earlier version has stored in LevelDB, once. LevelDB, as its binding opens it, checks its files in part only: what
 * it notices stops this, and a value that was changed unnoticed stays as it is.
 */
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { TenureError } from "@tenure/core/errors";
import { damaged } from "../journal/restore.ts";
import { printNotice } from "../notice.ts";
import { createLevelStore, ItemStore } from "./item-store.ts";

/** Moves the items from the folder `from` into a new journal. Throws `misconfigured` when they are damaged. */
export async function takeOverLevelDb(from: string, journal: string, skipDamage: boolean): Promise<void> {
  if (!existsSync(from)) return;
  try {
    await takeOver(from, journal, skipDamage);
  } catch (error) {
    if (error instanceof TenureError) throw error;
    const { code = String(error) } = error as NodeJS.ErrnoException;
    throw new TenureError({ tag: "misconfigured", problems: [`${from} cannot be read or copied (${code})`] });
  }
}

async function takeOver(from: string, journal: string, skipDamage: boolean): Promise<void> {
  // With a journal, an earlier start came as far as having all of it.
  if (!existsSync(journal)) {
    const { entries, problems } = await readLevelDb(from);
    if (problems.length > 0 && !skipDamage) throw damaged(from, problems[0] as string);
    new ItemStore({ path: journal }, entries).close();
    if (problems.length > 0) {
      rmSync(`${from}.damaged`, { recursive: true, force: true });
      renameSync(from, `${from}.damaged`);
      return printNotice(`${from} is damaged and was read without what cannot be: ${problems.join("; ")}`);
    }
  }
  rmSync(from, { recursive: true, force: true });
}

/** Reads a copy: opening a database drops what is damaged of its log, and another start would not know of it. */
async function readLevelDb(folder: string): Promise<{ entries: [string, string][]; problems: string[] }> {
  const entries: [string, string][] = [];
  const problems: string[] = [];
  const path = `${folder}.next`;
  rmSync(path, { recursive: true, force: true });
  cpSync(folder, path, { recursive: true });
  const { db } = createLevelStore({ path });
  try {
    await db.open();
    // The binding does not tell what it drops of a log. It is in LevelDB's own.
    const dropped = /dropping \d+ bytes[^\n]*/.exec(readFileSync(join(path, "LOG"), "utf8"))?.[0];
    if (dropped) problems.push(dropped);
    let unreadable = 0;
    for await (const [key, json] of db.iterator({ valueEncoding: "utf8" })) {
      if (isObject(json)) entries.push([key, json]);
      else unreadable += 1;
    }
    if (unreadable > 0) problems.push(`${unreadable} of ${unreadable + entries.length} values cannot be read`);
  } catch (error) {
    const { message, cause } = error as Error;
    problems.push(cause instanceof Error ? cause.message : message);
  } finally {
    await db.close().catch(() => {});
    rmSync(path, { recursive: true, force: true });
  }
  return { entries, problems };
}

function isObject(json: string): boolean {
  try {
    return typeof JSON.parse(json) === "object";
  } catch {
    return false;
  }
}
