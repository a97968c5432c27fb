import type { BrowserContext } from "playwright-core";
import { HeldClock } from "../support/stores/held-clock.ts";

/**
 * A held clock for a stack and for the pages on it. A move sets the server's time first, then each page's Date, and
 * fires each timer of the pages that is due, once. Requests and Playwright's own waits go on in real time.
 *
 * @example
 * const stack = await startTestStack({}, { now: clock.now, sweepEveryMs: false });
 * await clock.hold(context);
 * const page = await context.newPage();
 * await clock.moveBy(60_000);
 */
export class SiteClock {
  private readonly server = new HeldClock();
  private readonly contexts = new Set<BrowserContext>();
  private readonly waiting = new Set<{ at: number; pass: () => void }>();
  readonly now = this.server.now;

  /** To be called before the context has a page: one that is loaded already has timers of its own. */
  async hold(context: BrowserContext): Promise<void> {
    this.contexts.add(context);
    context.on("close", () => this.contexts.delete(context));
    await context.clock.install({ time: this.now() });
    await context.clock.pauseAt(this.now());
  }

  async moveTo(at: number): Promise<void> {
    this.server.moveTo(at);
    for (const context of this.contexts) await context.clock.pauseAt(at);
    for (const one of this.waiting)
      if (one.at <= at) {
        this.waiting.delete(one);
        one.pass();
      }
  }

  /** Resolves once the clock has moved so far from now on. */
  passed(ms: number): Promise<void> {
    return new Promise((pass) => this.waiting.add({ at: this.now() + ms, pass }));
  }

  moveBy(ms: number): Promise<void> {
    return this.moveTo(this.now() + ms);
  }
}
