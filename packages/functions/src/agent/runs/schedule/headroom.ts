/**
 * The number of runs that the event loop of this process carries. A run that waits for a model costs almost nothing, and one that
 * computes takes the whole loop: with 200 at once the stores' deadlines pass before their answers are read. So `FEW` are always let
 * in, and every quarter of a second `FEW` more while the loop has time left.
 */
import { type EventLoopUtilization, performance } from "node:perf_hooks";

const FEW = 10;
const EVERY_MS = 250;
/** Share of the time in which the loop was at work. */
const BUSY = 0.8;

export class Headroom {
  private readonly most: number;
  private readonly onMore: () => void;
  private readonly utilization: () => number;
  private allowed: number;
  private timer: NodeJS.Timeout | undefined;

  /** `onMore` is called when more may be let in than before. `utilization` is the share of the time since it was last called. */
  constructor(most: number, onMore: () => void, utilization = loopUtilization()) {
    this.most = most;
    this.allowed = Math.min(most, FEW);
    this.onMore = onMore;
    this.utilization = utilization;
  }

  get limit(): number {
    return this.allowed;
  }

  /** Looks again and again, until `stop`, whether more may be let in. */
  watch(): void {
    if (this.timer || this.most <= FEW) return;
    this.utilization();
    this.timer = setInterval(() => this.look(), EVERY_MS);
    this.timer.unref();
  }

  look(): void {
    const isBusy = this.utilization() > BUSY;
    this.allowed = Math.min(this.most, isBusy ? FEW : this.allowed + FEW);
    if (!isBusy) this.onMore();
  }

  /** To be called when nobody waits and no more than a few are under way: what the loop carried then says nothing of later. */
  stopUnless(isNeeded: boolean, taken: number): void {
    if (isNeeded || taken > FEW) return;
    this.stop();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.allowed = Math.min(this.most, FEW);
  }
}

function loopUtilization(): () => number {
  let last: EventLoopUtilization = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}
