/** Where the user is logged in, and the ways to end that: one device, the others, all. */
import { actionButton } from "../page/button.ts";
import { confirmed } from "../page/confirm.ts";
import { h } from "../page/dom.ts";
import { type Part, part } from "../page/part.ts";
import { clockTime, dayAndTime } from "../page/words.ts";
import { type DeviceDescription, devices, logoutAll, logoutDevice, logoutOthers } from "../server/account.ts";
import { type Failure, failureOf } from "../server/failure.ts";
import type { Shell } from "../session/shell.ts";

export function devicesPart({ session, attempt, handled, say }: Shell): Pick<Part, "element" | "load"> {
  const list = part({
    loading: "Loading your devices…",
    content,
    // A recent login is asked for when the person wants to see them, not when they open the page.
    handled: (failure: Failure, again) => failure.kind !== "step-up" && handled(failure, again),
  });

  async function content(): Promise<Node[]> {
    try {
      const found = await devices();
      return [h("ul", { class: "plain", "aria-labelledby": "devices-title" }, ...found.map(item))];
    } catch (error) {
      const failure = failureOf(error);
      if (failure.kind !== "step-up") throw failure;
      const again = actionButton("Log in again to see your devices", "One moment…", async () => {
        handled(failure, list.load);
      });
      again.button.classList.add("quiet");
      return [h("p", {}, "Your last login was a while ago."), again.button];
    }
  }

  function item({ id, device, network, current, createdAt, lastSeenAt }: DeviceDescription): HTMLElement {
    const name = device ?? "A device of unknown kind";
    const times =
      createdAt === null || lastSeenAt === null
        ? "its record is damaged, so that it lets nobody in"
        : `since ${dayAndTime(createdAt)}, last seen ${clockTime(lastSeenAt)}`;
    const end = actionButton(
      "End its session",
      "Ending…",
      () =>
        attempt(async () => {
          await logoutDevice(id).catch((error: unknown) => {
            // The end of the session is what was wanted.
            if (failureOf(error).tag !== "session-not-found") throw error;
          });
          await list.load();
        }),
      { class: "quiet", "aria-label": `End the session of ${name}` },
    );
    return h(
      "li",
      { class: "card" },
      h(
        "div",
        {},
        h("strong", {}, name),
        current ? " (this one)" : "",
        h("br"),
        h("span", { class: "hint" }, `${times}${network ? `, near ${network}` : ""}`),
      ),
      !current && end.button,
    );
  }

  const others = actionButton(
    "Log out the others",
    "Logging out the others…",
    () =>
      attempt(async () => {
        const { ended } = await logoutOthers();
        say(
          ended === 0
            ? "There was no other device."
            : `Logged out: ${ended === 1 ? "one device" : `${ended} devices`}.`,
        );
        await list.load();
      }),
    { class: "quiet" },
  );

  /** Asked once: a login that it wants in between is no second question. */
  const everywhere = actionButton(
    "Log out everywhere",
    "Logging out everywhere…",
    () =>
      attempt(async () => {
        await logoutAll();
        session.loggedOut("You are logged out everywhere.");
      }),
    { class: "quiet" },
    () =>
      confirmed({
        title: "Log out everywhere?",
        words: "All your devices are logged out, this one too.",
        yes: "Log out all of them",
        no: "Stay logged in",
      }),
  );

  const element = h("div", {}, list.element, h("div", { class: "row" }, others.button, everywhere.button));
  return { element, load: list.load };
}
