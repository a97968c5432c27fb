import type { Clock } from "@tenure/core/clock";

/** The time as it goes by, and what a test has added to it. */
export class TestClock implements Clock {
  offsetMs = 0;

  now(): number {
    return Date.now() + this.offsetMs;
  }

  move(ms: number): void {
    this.offsetMs += ms;
  }
}
