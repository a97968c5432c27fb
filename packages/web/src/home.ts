/** The home screen: the user, the session's deadlines, the devices, and the account's activity. */
import * as api from "./api.ts";
import { h, type Screen } from "./dom.ts";
import { clockTime, dayAndTime, duration, happening } from "./words.ts";

interface HomeOptions {
  session: () => api.SessionDescription | undefined;
  /** Asks the server for the session, which touches it. */
  refresh: () => Promise<void>;
  /** Says what goes wrong; a session that has ended leads to the login. */
  guarded: (action: () => Promise<void>) => Promise<void>;
  loggedOut: (words: string) => void;
  /** Leads through the login again, for what wants a recent one. */
  logInAgain: () => void;
}

export function homeScreen({ session, refresh, guarded, loggedOut, logInAgain }: HomeOptions): Screen {
  const who = h("p", {});
  const idle = bar("idle", "Idle deadline", "Requests move it, now and then.");
  const absolute = bar(
    "absolute",
    "Absolute deadline",
    "Nothing moves it: when it has come, everyone proves again who they are.",
  );
  const touched = h("p", { class: "hint", role: "status" });
  const deviceList = h("ul", { class: "plain", "aria-labelledby": "devices-title" });
  const activityList = h("ol", { class: "plain", "aria-labelledby": "activity-title" });
  let timer: ReturnType<typeof setInterval> | undefined;
  /** The longest time to each deadline, in milliseconds, at which its bar is full. */
  const longest = { idle: 1, absolute: 1 };

  function draw(): void {
    const found = session();
    if (!found) return;
    const { idleExpiresAt, absoluteExpiresAt, createdAt } = found.session;
    const now = api.serverNow();
    longest.absolute = absoluteExpiresAt - createdAt;
    longest.idle = Math.max(longest.idle, idleExpiresAt - now);
    idle.draw(idleExpiresAt - now, longest.idle, Math.min(idleExpiresAt, absoluteExpiresAt));
    absolute.draw(absoluteExpiresAt - now, longest.absolute, absoluteExpiresAt);
  }

  const touch = () =>
    guarded(async () => {
      const before = session()?.session.idleExpiresAt ?? 0;
      await refresh();
      const moved = (session()?.session.idleExpiresAt ?? 0) - before;
      touched.textContent =
        moved > 0
          ? `Touched: the idle deadline moved by ${duration(moved)}, the absolute one stayed.`
          : "Touched just before: nothing was written, nothing moved.";
      draw();
    });

  async function drawDevices(): Promise<void> {
    try {
      const found = await api.devices();
      deviceList.replaceChildren(...found.map(deviceItem));
    } catch (error) {
      if (!(error instanceof api.ApiError) || !error.wantsLogin) throw error;
      // Where one is logged in is shown to whoever has proved lately who they are.
      deviceList.replaceChildren(
        h(
          "li",
          {},
          "Your last login was a while ago. ",
          h("button", { type: "button", class: "quiet", click: logInAgain }, "Log in again to see your devices"),
        ),
      );
    }
  }

  function deviceItem({ id, device, network, current, createdAt, lastSeenAt }: api.DeviceDescription): HTMLElement {
    const name = device ?? "A device of unknown kind";
    const times =
      createdAt === null || lastSeenAt === null
        ? "its record is damaged, so that it lets nobody in"
        : `since ${dayAndTime(createdAt)}, last seen ${clockTime(lastSeenAt)}`;
    const end = () =>
      guarded(async () => {
        await api.logoutDevice(id);
        if (current) loggedOut("You are logged out.");
        else await drawDevices();
      });
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
      h(
        "button",
        {
          type: "button",
          class: "quiet",
          "aria-label": `Log out ${current ? "this device" : name}`,
          click: () => void end(),
        },
        "Log out",
      ),
    );
  }

  const all = (words: string, end: () => Promise<unknown>, isOver: boolean) =>
    h(
      "button",
      {
        type: "button",
        class: "quiet",
        click: () =>
          void guarded(async () => {
            await end();
            if (isOver) loggedOut("You are logged out.");
            else await drawDevices();
          }),
      },
      words,
    );

  async function drawActivity(): Promise<void> {
    const found = await api.activity();
    activityList.replaceChildren(
      ...found.map(({ kind, at, device }) =>
        h(
          "li",
          {},
          h("time", { datetime: new Date(at).toISOString() }, dayAndTime(at)),
          ` ${happening(kind)}${device ? `, ${device}` : ""}`,
        ),
      ),
      ...(found.length === 0 ? [h("li", {}, "Nothing yet.")] : []),
    );
  }

  return {
    title: "Home",
    element: h(
      "section",
      { "aria-labelledby": "home-title" },
      h("h1", { id: "home-title", tabindex: -1 }, "Home"),
      who,
      h("div", { class: "bars" }, idle.element, absolute.element),
      h("div", { class: "row" }, h("button", { type: "button", click: () => void touch() }, "Touch the session")),
      touched,
      h("h2", { id: "devices-title" }, "Devices"),
      deviceList,
      h(
        "div",
        { class: "row" },
        all("Log out the others", api.logoutOthers, false),
        all("Log out everywhere", api.logoutAll, true),
        all("Log out", api.logout, true),
      ),
      h("h2", { id: "activity-title" }, "Recent activity"),
      activityList,
    ),
    async show() {
      const found = session();
      who.replaceChildren("You are logged in as ", h("strong", {}, found?.user.email ?? ""), ".");
      draw();
      timer = setInterval(draw, 250);
      await guarded(async () => {
        await Promise.all([drawDevices(), drawActivity()]);
      });
    },
    hide: () => clearInterval(timer),
  };
}

function bar(id: string, name: string, about: string) {
  const meter = h("progress", { max: 1000, "aria-labelledby": `${id}-name`, "aria-describedby": `${id}-left` });
  const left = h("span", { id: `${id}-left` });
  return {
    element: h(
      "div",
      { class: "bar" },
      h("div", { class: "row between" }, h("strong", { id: `${id}-name` }, name), left),
      meter,
      h("p", { class: "hint" }, about),
    ),
    draw(ms: number, of: number, at: number) {
      meter.value = Math.max(0, Math.min(1000, Math.round((ms / of) * 1000)));
      left.textContent = ms > 0 ? `${duration(ms)} left, at ${clockTime(at)}` : "over";
    },
  };
}
