/** The home screen: the user, the session's deadlines, the devices, and the account's activity. */
import { actionButton } from "../page/button.ts";
import { h, type Screen, section } from "../page/dom.ts";
import { part } from "../page/part.ts";
import { dayAndTime, duration, happening } from "../page/words.ts";
import { activity, serviceInfo } from "../server/account.ts";
import type { Shell } from "../session/shell.ts";
import { deadlines } from "./deadlines.ts";
import { devicesPart } from "./devices.ts";

export function homeScreen(shell: Shell): Screen {
  const { session, attempt, handled } = shell;
  const who = h("p", {});
  const bars = deadlines(() => session.found);
  const touched = h("p", { class: "hint", role: "status" });
  const devices = devicesPart(shell);
  const recent = part({ loading: "Loading your activity…", content: activityList, handled });
  let stop: () => void = () => {};

  const touch = actionButton("Touch the session", "Touching…", () =>
    attempt(async () => {
      const before = session.found?.session.idleExpiresAt ?? 0;
      await session.refresh();
      const moved = (session.found?.session.idleExpiresAt ?? 0) - before;
      touched.textContent =
        moved > 0
          ? `Touched: the idle deadline moved by ${duration(moved)}, the absolute one stayed.`
          : "Touched just before: nothing was written, nothing moved.";
      bars.draw();
    }),
  );

  async function activityList(): Promise<Node[]> {
    const found = await activity();
    if (found.length === 0) return [h("p", { class: "hint" }, "Nothing yet.")];
    const items = found.map(({ kind, at, device }) =>
      h(
        "li",
        { class: "event" },
        h("span", {}, `${happening(kind)}${device ? `, ${device}` : ""}`),
        h("time", { class: "hint", datetime: new Date(at).toISOString() }, dayAndTime(at)),
      ),
    );
    return [h("ol", { class: "plain", "aria-labelledby": "activity-title" }, ...items)];
  }

  return {
    title: "Home",
    element: section(
      "home",
      "Home",
      {},
      who,
      bars.element,
      h("div", { class: "row" }, touch.button),
      touched,
      h("h2", { id: "devices-title" }, "Devices"),
      devices.element,
      h("h2", { id: "activity-title" }, "Recent activity"),
      recent.element,
    ),
    async show() {
      who.replaceChildren("You are logged in as ", h("strong", { dir: "auto" }, session.found?.user.email ?? ""), ".");
      stop();
      stop = bars.start();
      // The page does without the stage's own figures.
      void serviceInfo().then(
        ({ sessions }) => bars.policy(sessions),
        () => {},
      );
      await Promise.all([devices.load(), recent.load()]);
    },
    hide: () => stop(),
  };
}
