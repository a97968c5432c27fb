/**
 * Watches folders of sources. A change is a file whose bytes are others than before: a file that is only touched, or saved as it was,
 * is none. Saves that follow one another closely are one change.
 */
import { createHash } from "node:crypto";
import { type FSWatcher, readdirSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";

const SOURCE = /\.(?:[cm]?[jt]sx?|json)$/;
const LEFT_OUT = /^(?:node_modules|dist|\..*)$|\.test\.[jt]sx?$/;
/** An editor empties a file before it writes it, or moves another one into its place. */
const QUIET_MS = 40;
/** Where the system has no watches left. */
const POLL_MS = 500;

export interface Watching {
  close(): void;
}

/** Calls with the paths of what was changed, added or removed, in their order. Test files are left out. */
export function watchSources(folders: readonly string[], onChange: (paths: string[]) => void): Watching {
  const watchers = new Map<string, FSWatcher>();
  let known = scan(folders);
  let quiet: NodeJS.Timeout | undefined;
  let polling: NodeJS.Timeout | undefined;

  const look = () => {
    const found = scan(folders);
    const paths = new Set([...known.files.keys(), ...found.files.keys()]);
    const changed = [...paths].filter((path) => known.files.get(path) !== found.files.get(path)).sort();
    known = found;
    watchFolders();
    if (changed.length > 0) onChange(changed);
  };
  const lookSoon = () => {
    clearTimeout(quiet);
    quiet = setTimeout(look, QUIET_MS);
  };
  const forget = (folder: string) => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  const watchFolders = () => {
    for (const folder of watchers.keys()) if (!known.folders.has(folder)) forget(folder);
    for (const folder of known.folders) {
      if (watchers.has(folder)) continue;
      try {
        const watcher = watch(folder, lookSoon);
        watcher.on("error", () => {
          forget(folder);
          lookSoon();
        });
        watchers.set(folder, watcher);
      } catch {
        polling ??= setInterval(look, POLL_MS);
      }
    }
  };
  watchFolders();
  // A file may have been saved between the scan and the watch.
  lookSoon();
  return {
    close() {
      clearTimeout(quiet);
      clearInterval(polling);
      for (const folder of [...watchers.keys()]) forget(folder);
    },
  };
}

interface Scan {
  folders: Set<string>;
  /** A hash of each file. */
  files: Map<string, string>;
}

function scan(roots: readonly string[]): Scan {
  const found: Scan = { folders: new Set(), files: new Map() };
  const into = (folder: string): void => {
    let entries: ReturnType<typeof entriesOf>;
    try {
      entries = entriesOf(folder);
    } catch {
      return;
    }
    found.folders.add(folder);
    for (const entry of entries) {
      if (LEFT_OUT.test(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) into(path);
      else if (SOURCE.test(entry.name)) found.files.set(path, hashOf(path));
    }
  };
  for (const root of roots) into(root);
  return found;
}

const entriesOf = (folder: string) => readdirSync(folder, { withFileTypes: true });

function hashOf(path: string): string {
  try {
    return createHash("sha256").update(readFileSync(path)).digest("base64");
  } catch {
    return "";
  }
}
