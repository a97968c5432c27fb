/**
 * A file that holds what a store in memory holds, as one line per change. A change is in the file before `append` returns, so that a
 * killed process loses nothing acknowledged; a power cut may lose the last lines. A change that cannot be written is not
 * in the file, then or later. Damage stops `openJournal`; a torn last line was never acknowledged, and is dropped.
 */
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { TenureError } from "@tenure/core/errors";
import { printNotice } from "../notice.ts";
import { checkedLine, HEADER } from "./line.ts";
import { damaged, type Restored, restore, restoreWhole } from "./restore.ts";
import type { JournaledStore } from "./store.ts";

export type { JournaledStore } from "./store.ts";

export interface JournalOptions {
  path: string;
  /** Goes on without what is damaged, and says so; the damaged file stays as `<path>.damaged`. */
  skipDamage?: boolean | undefined;
  /** Hears one line for the operator. */
  notice?: (line: string) => void;
}

/** A change that could not be written; nothing of it is in the file. `code` is the system's, like ENOSPC. */
export class NotJournaled extends Error {
  readonly code: string;
  constructor(path: string, code: string) {
    super(`${path} cannot be written (${code})`);
    this.code = code;
  }
}

const REWRITE_ABOVE_BYTES = 8 * 1024 * 1024;
const BUFFER_BYTES = 1024 * 1024;

/**
 * Reads the file into `store`, and rewrites it without what is no longer in the store. Throws `misconfigured` when it is
 * damaged, or when it can be neither read nor written.
 */
export function openJournal(store: JournaledStore, options: JournalOptions): Journal {
  const { path, notice = printNotice, skipDamage = false } = options;
  try {
    rmSync(`${path}.next`, { force: true });
    const journal = new Journal(store, path, notice);
    let found: Restored | undefined;
    if (skipDamage && existsSync(path)) {
      if (restoreWhole(store, path, notice)) putAside(path, `${path}.damaged`);
    } else if (existsSync(path)) found = restore(store, path, notice);
    try {
      journal.rewrite();
    } catch (error) {
      // A file that is as it should be can be added to; that there is no room for a second one does not matter yet.
      if (found?.version !== 2) throw error;
      journal.goOn(found);
    }
    return journal;
  } catch (error) {
    if (error instanceof TenureError) throw error;
    const { code = String(error) } = error as NodeJS.ErrnoException;
    throw new TenureError({
      tag: "misconfigured",
      problems: [`${path} cannot be ${error instanceof NotJournaled ? "written" : "read"} (${code})`],
    });
  }
}

/** Made by {@link openJournal}. */
export class Journal {
  private readonly store: JournaledStore;
  private readonly path: string;
  private readonly notice: (line: string) => void;
  private file: number | undefined;
  private number = 0;
  /** The length of all whole lines; what the file has beyond is the rest of a write that failed. */
  private bytes = 0;
  private hasRest = false;
  private rewriteAbove = 0;
  private refusing = false;

  constructor(store: JournaledStore, path: string, notice: (line: string) => void) {
    this.store = store;
    this.path = path;
    this.notice = notice;
  }

  /** Writes a change, in JSON. Throws {@link NotJournaled}, and then the file is as it was. */
  append(change: string): void {
    try {
      if (this.file === undefined) throw Object.assign(new Error("closed"), { code: "EBADF" });
      if (this.hasRest) this.cut(this.file);
      const line = checkedLine(this.number + 1, change);
      try {
        writeAll(this.file, line);
      } catch (error) {
        this.hasRest = true;
        this.cut(this.file);
        throw error;
      }
      this.number += 1;
      this.bytes += line.length;
    } catch (error) {
      const refusal = asRefusal(this.path, error);
      if (!this.refusing) this.notice(`${refusal.message}: writes are refused until it can be`);
      this.refusing = true;
      throw refusal;
    }
    if (this.refusing) this.notice(`${this.path} can be written again`);
    this.refusing = false;
  }

  /** Rewrites the file when most of it is history. To be called when the store has everything that was appended. */
  tidy(): void {
    if (this.bytes <= this.rewriteAbove) return;
    try {
      this.rewrite();
    } catch {
      this.rewriteAbove = this.bytes + REWRITE_ABOVE_BYTES;
    }
  }

  /** Reads the file into the store again, which has to be empty. Throws when that does not give back every line. */
  reload(): void {
    if (this.hasRest && this.file !== undefined) this.cut(this.file);
    const { lines } = restore(this.store, this.path, this.notice);
    if (lines !== this.number) throw damaged(this.path, `it has ${lines} changes of ${this.number}`);
  }

  /** Replaces the file by what the store holds, whole or not at all. Throws {@link NotJournaled}. */
  rewrite(): void {
    const next = `${this.path}.next`;
    let file: number | undefined;
    let [number, bytes] = [0, 0];
    try {
      rmSync(next, { force: true });
      file = openSync(next, "ax", 0o600);
      let lines: Buffer[] = [Buffer.from(`${HEADER}\n`)];
      let size = 0;
      for (const change of this.store.changes()) {
        const line = checkedLine(++number, change);
        lines.push(line);
        size += line.length;
        if (size < BUFFER_BYTES) continue;
        bytes += writeAll(file, Buffer.concat(lines));
        [lines, size] = [[], 0];
      }
      bytes += writeAll(file, Buffer.concat(lines));
      fsyncSync(file);
      renameSync(next, this.path);
    } catch (error) {
      if (file !== undefined) quietly(() => closeSync(file as number));
      quietly(() => rmSync(next, { force: true }));
      throw asRefusal(this.path, error);
    }
    const old = this.file;
    Object.assign(this, { file, number, bytes, hasRest: false });
    this.rewriteAbove = Math.max(REWRITE_ABOVE_BYTES, 2 * bytes);
    if (old !== undefined) quietly(() => closeSync(old));
    syncFolder(dirname(this.path));
  }

  /** Adds to the file as it was found, without its torn end. */
  goOn({ lines, bytes }: { lines: number; bytes: number }): void {
    chmodSync(this.path, 0o600);
    this.file = openSync(this.path, "a");
    [this.number, this.bytes] = [lines, bytes];
    this.rewriteAbove = bytes + REWRITE_ABOVE_BYTES;
    this.cut(this.file);
  }

  close(): void {
    const { file } = this;
    if (file === undefined) return;
    this.file = undefined;
    try {
      if (this.hasRest) quietly(() => this.cut(file));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }

  private cut(file: number): void {
    ftruncateSync(file, this.bytes);
    this.hasRest = false;
  }
}

/** A full disk may take the first bytes of what is written, and say nothing but how many. */
function writeAll(file: number, bytes: Buffer): number {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
  return bytes.length;
}

const asRefusal = (path: string, error: unknown): NotJournaled =>
  error instanceof NotJournaled
    ? error
    : new NotJournaled(path, (error as NodeJS.ErrnoException).code ?? String(error));

function putAside(path: string, aside: string): void {
  rmSync(aside, { force: true });
  try {
    linkSync(path, aside);
  } catch {
    copyFileSync(path, aside);
  }
  chmodSync(aside, 0o600);
}

/** Makes a rename outlast a power cut, on systems that can. */
function syncFolder(path: string): void {
  quietly(() => {
    const folder = openSync(path, "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  });
}

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // The file that counts is whole either way.
  }
}
