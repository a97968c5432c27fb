import type { Commands } from "./command.ts";
import { hashes } from "./hashes.ts";
import { keys } from "./keys.ts";
import { lists } from "./lists.ts";
import { server } from "./server.ts";
import { sets } from "./sets.ts";
import { sortedSets } from "./sorted-sets.ts";
import { streams } from "./streams.ts";
import { strings } from "./strings.ts";

/** Every command of the embedded engine but those that run scripts (see embedded.ts). */
export const commands: Commands = Object.assign(
  Object.create(null),
  strings,
  keys,
  hashes,
  sets,
  sortedSets,
  lists,
  streams,
  server,
);
