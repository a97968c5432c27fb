/**
 * Puts activity on record without making anyone wait for it: the request's answer does not depend on the log. An entry that
 * DynamoDB does not take, after some tries, becomes one line on stderr, from which it can be put in later
 * (docs/failure-model.md). `flush` is for a process that may be stopped after a response: a Lambda handler, a shutdown.
 */

import { randomBytes } from "node:crypto";
import type { Activity, ActivityKind, ActivityLog } from "@tenure/core/activity";
import type { Clock } from "@tenure/core/clock";
import { atMost, pause } from "@tenure/core/deadline";
import type { Origin } from "@tenure/core/session";

export interface Happening {
  account: string;
  kind: ActivityKind;
  origin: Origin;
  detail?: Activity["detail"] | undefined;
}

const TRIES = 3;
const PAUSE_MS = 200;

export class ActivityRecorder {
  private readonly log: ActivityLog;
  private readonly clock: Clock;
  private readonly report: (line: string) => void;
  private readonly pending = new Map<Promise<void>, Activity>();

  constructor(options: { log: ActivityLog; clock: Clock; report: (line: string) => void }) {
    this.log = options.log;
    this.clock = options.clock;
    this.report = options.report;
  }

  record({ account, kind, origin, detail = {} }: Happening): void {
    const at = this.clock.now();
    // Digits of one length sort as numbers do; the rest keeps two entries of one millisecond apart.
    const id = `${String(at).padStart(15, "0")}-${randomBytes(9).toString("base64url")}`;
    const activity: Activity = { id, account, at, kind, ...origin, detail };
    const writing = this.write(activity);
    this.pending.set(writing, activity);
    void writing.then(() => this.pending.delete(writing));
  }

  /** When this resolves, everything recorded so far is in the log or on stderr, and no longer than `withinMs` later. */
  async flush(withinMs: number): Promise<void> {
    await atMost(withinMs, Promise.all(this.pending.keys()));
    for (const activity of this.pending.values()) this.reportUnrecorded(activity);
  }

  private reportUnrecorded(activity: Activity): void {
    this.report(JSON.stringify({ level: "error", event: "activity-unrecorded", activity }));
  }

  private async write(activity: Activity): Promise<void> {
    for (let tried = 1; ; tried++) {
      try {
        return await this.log.append(activity);
      } catch {
        if (tried === TRIES) return this.reportUnrecorded(activity);
        await pause(PAUSE_MS * tried);
      }
    }
  }
}
