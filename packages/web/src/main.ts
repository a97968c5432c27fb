/** The login demo: which screen is shown, who is logged in, and what happens when that ends. */
import { ApiError, currentSession, hasRace, onExpiry, type SessionDescription, serverNow } from "./api.ts";
import { chatScreen } from "./chat.ts";
import { h, type Screen } from "./dom.ts";
import { homeScreen } from "./home.ts";
import { loginScreen } from "./login.ts";
import { raceScreen } from "./race.ts";

const part = (id: string) => document.getElementById(id) as HTMLElement;
const [main, nav, notice] = [part("main"), part("nav"), part("notice")];

let session: SessionDescription | undefined;
let shown: Screen | undefined;
let deadline: ReturnType<typeof setTimeout> | undefined;

const say = (words: string) => {
  notice.textContent = words;
};

/** Does what a person asked for, and says what went wrong where they are. */
async function guarded(action: () => Promise<void>): Promise<void> {
  say("");
  try {
    await action();
  } catch (error) {
    const { status, message } = error as { status?: number | undefined; message: string };
    if (error instanceof ApiError && error.wantsLogin) ended("For this, log in again.");
    else if (status === 401) ended("Your session has ended. Log in again; what you typed is still here.");
    else if (error instanceof ApiError) say(message);
    else if (status !== undefined && status >= 500)
      say("The service is unavailable at the moment. You are still logged in; try again shortly.");
    else say(message);
  }
}

const login = loginScreen((found) => {
  const another = session !== undefined && session.user.id !== found.user.id;
  // Nothing of one user is shown to another.
  if (another || !screens) screens = makeScreens();
  enter(found);
});

type Name = "home" | "chat" | "race";
let screens: (Record<Exclude<Name, "race">, Screen> & { race?: Screen }) | undefined;

function makeScreens(): NonNullable<typeof screens> {
  return {
    home: homeScreen({
      session: () => session,
      refresh,
      guarded,
      loggedOut: (words) => {
        session = undefined;
        screens = undefined;
        ended(words);
      },
      logInAgain: () => ended("Log in again, and you are back here."),
    }),
    chat: chatScreen({ guarded, address: (id) => history.replaceState(null, "", `#/chat/${id}`) }),
  };
}

/** Adds the race's page where the deployment has it. */
async function offerRace(): Promise<void> {
  if (!(await hasRace().catch(() => false)) || !screens || screens.race) return;
  screens.race = raceScreen(guarded);
  await route();
}

async function refresh(): Promise<void> {
  const found = await currentSession();
  if (!found) throw new ApiError(401, {});
  session = found;
  watchDeadline();
}

/** The page knows when its session ends, and asks then: another tab may have touched it. */
function watchDeadline(): void {
  clearTimeout(deadline);
  if (!session) return;
  const { idleExpiresAt, absoluteExpiresAt } = session.session;
  const left = Math.min(idleExpiresAt, absoluteExpiresAt) - serverNow();
  deadline = setTimeout(() => void guarded(refresh), Math.max(0, left) + 50);
}

function enter(found: SessionDescription): void {
  session = found;
  screens ??= makeScreens();
  nav.hidden = false;
  say("");
  watchDeadline();
  void route();
  void offerRace();
}

/** Back to the login, with the screens as they are: after it, one is where one was. */
function ended(words: string): void {
  clearTimeout(deadline);
  nav.hidden = true;
  if (session) login.expectUser(session.user.email);
  void display(login, "");
  say(words);
}

async function route(): Promise<void> {
  if (!screens || !session) return;
  const [, name = "home", detail = ""] = location.hash.split("/");
  const wanted = screens[name as Name] ?? screens.home;
  nav.replaceChildren(
    ...Object.entries(screens).map(([key, { title }]) =>
      h("a", { href: `#/${key}`, "aria-current": screens?.[key as Name] === wanted && "page" }, title),
    ),
  );
  await display(wanted, detail);
}

async function display(screen: Screen, detail: string): Promise<void> {
  if (shown !== screen) {
    shown?.hide?.();
    shown = screen;
    main.replaceChildren(screen.element);
    document.title = `${screen.title} · Tenure`;
    if (screen !== login) screen.element.querySelector("h1")?.focus();
  }
  await screen.show(detail);
}

onExpiry((at) => {
  if (!session) return;
  const { absoluteExpiresAt } = session.session;
  if (at < absoluteExpiresAt) session = { ...session, session: { ...session.session, idleExpiresAt: at } };
  watchDeadline();
});
addEventListener("hashchange", () => void route());
addEventListener("offline", () => say("You are offline. What you typed is still here."));
addEventListener("online", () => say(""));

await guarded(async () => {
  const found = await currentSession();
  if (found) enter(found);
  else await display(login, "");
});
if (!shown) await display(login, "");
