/** A thread's report as lines of a terminal: tables, and a bar for each of its newest checkpoints. */
import type { ThreadReport } from "@tenure/core/checkpoint";

const BARS = 30;
const BAR_WIDTH = 40;

export function describeThread(threadId: string, report: ThreadReport): string[] {
  const { kinds, channels, checkpoints, oldestExpiry, damaged } = report;
  if (checkpoints.length === 0) return [`thread ${threadId} has no checkpoints here`];
  const total = Object.values(kinds).reduce((sum, { bytes }) => sum + bytes, 0);
  const expiry = oldestExpiry === undefined ? "never" : new Date(oldestExpiry * 1000).toISOString();
  const newest = checkpoints.slice(-BARS);
  const largest = Math.max(...newest.map(({ bytes }) => bytes));
  return [
    `thread ${threadId}: ${checkpoints.length} checkpoints, ${total} bytes, first expiry ${expiry}`,
    ...damaged.map((id) => `checkpoint ${id} is damaged`),
    "",
    ...table([
      ["", "items", "bytes"],
      ...Object.entries(kinds).map(([kind, { items, bytes }]) => [kind, String(items), String(bytes)]),
    ]),
    "",
    ...table([
      ["channel", "extents", "segments", "heads back"],
      ...channels.map(({ namespace, name, extents, segments, reach }) => [
        namespace ? `${namespace} ${name}` : name,
        ...[extents, segments, reach].map(String),
      ]),
    ]),
    "",
    newest.length < checkpoints.length ? `bytes of the newest ${BARS} heads` : "bytes of each head",
    ...newest.map(
      ({ id, bytes }) =>
        `${id}  ${"#".repeat(Math.max(1, Math.round((bytes / largest) * BAR_WIDTH))).padEnd(BAR_WIDTH)}  ${bytes}`,
    ),
  ];
}

/** The first column to the left, the others to the right. */
function table(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  "),
  );
}
