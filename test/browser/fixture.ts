/** A stack, a browser, and pages whose time is the stack's; a test fails for whatever must not happen on any page. */

import type { LocalConfig } from "@tenure/local/config";
import type { StackOptions } from "@tenure/local/stack";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { WAIT_MS } from "../support/runner/size.ts";
import { startTestStack, type TestStack } from "../support/service/stack.ts";
import { launch } from "./launch.ts";
import { watchFailures } from "./site.ts";
import { SiteClock } from "./site-clock.ts";

export class Site {
  readonly clock = new SiteClock();
  readonly failures: string[] = [];
  readonly contexts: BrowserContext[] = [];
  private started: { stack: TestStack; browser: Browser } | undefined;

  /** To be called within `describe`. */
  static use(engines: Partial<LocalConfig> = {}, options: Partial<StackOptions> = {}): Site {
    const site = new Site();
    const { now } = site.clock;
    beforeAll(async () => {
      const stack = await startTestStack(engines, { now, sweepEveryMs: false, ...options });
      site.started = { stack, browser: await launch() };
    });
    afterAll(async () => {
      await site.started?.browser.close();
      await site.started?.stack.close();
    });
    afterEach(async () => {
      for (const context of site.contexts.splice(0)) await context.close();
      expect(site.failures.splice(0)).toEqual([]);
    });
    return site;
  }

  get stack(): TestStack {
    if (!this.started) throw new Error("the stack runs within a test");
    return this.started.stack;
  }

  /** A browser of its own, in real time. */
  async context(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await (this.started as { browser: Browser }).browser.newContext(options);
    this.contexts.push(context);
    context.setDefaultTimeout(WAIT_MS);
    await watchFailures(context, this.failures);
    return context;
  }

  /** A page of a browser of its own, whose time is the stack's. */
  async open(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.context(options);
    await this.clock.hold(context);
    return context.newPage();
  }

  /** Moves the clock in steps, until something has come about: what is due meanwhile is done. */
  async until(come: () => Promise<boolean>, stepMs = 500): Promise<void> {
    await expect
      .poll(async () => {
        if (await come()) return true;
        await this.clock.moveBy(stepMs);
        return come();
      })
      .toBe(true);
  }
}
