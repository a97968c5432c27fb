/** The session's two deadlines as bars, drawn as time passes. */
import { h } from "../page/dom.ts";
import { clockTime, duration } from "../page/words.ts";
import type { InfoDescription, SessionDescription } from "../server/account.ts";
import { serverNow } from "../server/clock.ts";

const DRAW_EVERY_MS = 250;

interface Deadlines {
  element: HTMLElement;
  draw(): void;
  /** Draws again and again, until the function that it returns is called. */
  start(): () => void;
  /** The stage's own lifetimes, which the bars are measured by. */
  policy(sessions: InfoDescription["sessions"]): void;
}

export function deadlines(session: () => SessionDescription | undefined): Deadlines {
  const idle = bar("idle", "Idle deadline", "Requests move it, now and then.");
  const absolute = bar("absolute", "Absolute deadline", "Nothing moves it: then everyone proves again who they are.");
  /** The longest time to each deadline, in milliseconds, at which its bar is full. */
  const longest = { idle: 1, absolute: 1 };

  function draw(): void {
    const found = session();
    if (!found) return;
    const { idleExpiresAt, absoluteExpiresAt, createdAt } = found.session;
    const now = serverNow();
    longest.absolute = absoluteExpiresAt - createdAt;
    longest.idle = Math.max(longest.idle, idleExpiresAt - now);
    idle.draw(idleExpiresAt - now, longest.idle, Math.min(idleExpiresAt, absoluteExpiresAt));
    absolute.draw(absoluteExpiresAt - now, longest.absolute, absoluteExpiresAt);
  }

  return {
    element: h("div", { class: "bars" }, idle.element, absolute.element),
    draw,
    start() {
      draw();
      const timer = setInterval(draw, DRAW_EVERY_MS);
      return () => clearInterval(timer);
    },
    policy({ idleMs, absoluteMs }) {
      longest.idle = idleMs;
      idle.about(`It is ${duration(idleMs)} after the last use: requests move it, now and then.`);
      absolute.about(
        `It is ${duration(absoluteMs)} after the login. Nothing moves it: then everyone proves again who they are.`,
      );
      draw();
    },
  };
}

function bar(id: string, name: string, about: string) {
  const meter = h("progress", { max: 1000, "aria-labelledby": `${id}-name`, "aria-describedby": `${id}-left` });
  const left = h("span", { id: `${id}-left` });
  const hint = h("p", { class: "hint" }, about);
  return {
    element: h(
      "div",
      { class: "bar" },
      h("div", { class: "row between" }, h("strong", { id: `${id}-name` }, name), left),
      meter,
      hint,
    ),
    about(words: string) {
      hint.textContent = words;
    },
    draw(ms: number, of: number, at: number) {
      meter.value = Math.max(0, Math.min(1000, Math.round((ms / of) * 1000)));
      left.textContent = ms > 0 ? `${duration(ms)} left, at ${clockTime(at)}` : "over";
    },
  };
}
