import { OPERATIONS, type Peer } from "./port.ts";
import type { RaceResult } from "./race.ts";
import type { Ratio } from "./throughput.ts";
import type { Trips } from "./trips.ts";

export function raceTable(rows: { peer: Peer; result: RaceResult }[]): string {
  return table(
    ["a request and a logout at once", "trials", "overlapped", "alive afterwards", "what the request did"],
    rows.map(({ peer, result }) => [peer.name, result.trials, result.overlapped, result.alive, peer.use ?? ""]),
  );
}

export function tripsTable(rows: { peer: Peer; trips: Trips }[]): string {
  return table(
    ["round trips", ...OPERATIONS],
    rows.map(({ peer, trips }) => [peer.name, ...OPERATIONS.map((operation) => trips[operation] ?? "—")]),
  );
}

export function ratioTable(rows: Ratio[]): string {
  return table(
    ["reads", "at once", "GET/s", "store/s", "ratio of medians", "of upper quartiles", "lowest pair", "highest pair"],
    rows.map(({ what, concurrency, raw, store, ratio, undisturbed, lowest, highest }) => [
      what,
      concurrency,
      Math.round(raw),
      Math.round(store),
      ...[ratio, undisturbed, lowest, highest].map((number) => number.toFixed(3)),
    ]),
  );
}

function table(head: string[], rows: (string | number)[][]): string {
  const line = (cells: (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
