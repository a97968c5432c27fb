/** A quarter past the whole second, so that what is rounded to seconds shows. */
const START = Date.UTC(2030, 0, 1, 12, 0, 0, 250);

/** A clock that stands still until a test moves it; `now` is for a stack or a store. Epoch milliseconds. */
export class HeldClock {
  private at = START;
  readonly now = (): number => this.at;

  moveTo(at: number): void {
    if (at < this.at) throw new Error(`the clock does not go back from ${this.at} to ${at}`);
    this.at = at;
  }

  moveBy(ms: number): void {
    this.moveTo(this.at + ms);
  }
}
