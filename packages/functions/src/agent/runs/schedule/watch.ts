/** Sweeps that follow one another in a process that stays; deployed, a schedule does it. */
export class Watch {
  private readonly sweep: () => Promise<void>;
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> | undefined;
  private isStopped = false;

  constructor(sweep: () => Promise<void>) {
    this.sweep = sweep;
  }

  /** Sweeps now, and again `everyMs` milliseconds after the end of each sweep, until `stop`. A sweep that fails is made up for by the next. */
  start(everyMs: number): void {
    this.sweeping = this.sweep()
      .catch(() => {})
      .finally(() => {
        if (this.isStopped) return;
        this.timer = setTimeout(() => this.start(everyMs), everyMs);
        this.timer.unref();
      });
  }

  /** Resolves when no sweep is under way. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.sweeping;
  }
}
