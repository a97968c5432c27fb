/** The login demo: which screen is shown, and what becomes of the screens as the session changes (session/session.ts). */
import { chatScreen } from "./chat/chat.ts";
import { homeScreen } from "./home/home.ts";
import { loginScreen } from "./login/login.ts";
import { actionButton } from "./page/button.ts";
import { h, type Screen } from "./page/dom.ts";
import { notice } from "./page/notice.ts";
import { raceDoor } from "./race/door.ts";
import { raceScreen } from "./race/race.ts";
import { logout, serviceInfo } from "./server/account.ts";
import { failureOf } from "./server/failure.ts";
import { openingScreen } from "./session/opening.ts";
import { PageSession, type Shown } from "./session/session.ts";
import { shell as makeShell } from "./session/shell.ts";

const element = (id: string) => document.getElementById(id) as HTMLElement;
const [main, nav, leave] = [element("main"), element("nav"), element("leave")];
const say = notice(element("notice"));

type Name = "home" | "chat" | "race";
/** Screens of one user, which stay while that user's login is asked for again. */
let screens: Partial<Record<Name, Screen>> | undefined;
let shown: Screen | undefined;
let lastUser: string | undefined;
/** No other page than this one has an address: at another one it says so, and goes on from its own. */
const isAstray = location.pathname !== "/";
if (isAstray) history.replaceState(null, "", `/${location.search}${location.hash}`);
/** False once the service has told that the deployment has no race. */
let mayHaveRace = true;

const show: Shown = (state, isNewUser, words) => {
  const isIn = state.name === "in";
  nav.hidden = !isIn;
  leave.hidden = !isIn;
  if (state.name === "unknown") {
    // Nobody knows whose the cookie is now: nothing of a user stays.
    dropScreens();
    opening.failed(state.failure, state.againAt);
    void display(opening, "");
  } else if (state.name === "out" || state.name === "ended") {
    if (state.name === "out") {
      dropScreens();
      if (state.words) forgetThread();
    } else login.expectUser(state.found.user.email);
    void display(login, "");
    say(state.words);
  } else if (state.name === "in") {
    if (lastUser !== undefined && lastUser !== state.found.user.id) forgetThread();
    lastUser = state.found.user.id;
    if (isNewUser || !screens) makeScreens();
    login.done();
    void route();
    say(words);
  }
};

const session = new PageSession(show);
const shell = makeShell(session, say);
const opening = openingScreen(() => session.ask());
const door = raceDoor(() => findRace(), shell.handled);
const login = loginScreen({ loggedIn: (found) => session.loggedIn(found), info: serviceInfo });

leave.append(
  actionButton(
    "Log out",
    "Logging out…",
    () =>
      shell.attempt(async () => {
        await logout();
        session.loggedOut("You are logged out.");
      }),
    { class: "quiet" },
  ).button,
);

function dropScreens(): void {
  for (const screen of Object.values(screens ?? {})) screen.drop?.();
  screens = undefined;
}

function makeScreens(): void {
  dropScreens();
  const address = (id: string) => history.replaceState(null, "", `#/chat${id && `/${id}`}`);
  const own = { home: homeScreen(shell), chat: chatScreen(shell, { address }) };
  screens = own;
  shown = undefined;
}

const nameOf = () => location.hash.split("/")[1] || "home";

/** The screen that the address names; another name is the home screen's. */
function wantedScreen(): Screen | undefined {
  const name = nameOf();
  if (name === "race" && mayHaveRace) return screens?.race ?? door;
  return screens && (Object.hasOwn(screens, name) ? screens[name as Name] : screens.home);
}

/** Makes the race's screen where the deployment has it. Throws a Failure. */
async function findRace(): Promise<void> {
  const own = screens;
  const { flags, local } = await serviceInfo();
  mayHaveRace = flags.race;
  if (!own || own !== screens || own.race) return;
  if (mayHaveRace) own.race = raceScreen(shell, local);
  drawNav();
  if (nameOf() === "race") void route();
}

/** The next user's page begins without the thread of the one before. */
function forgetThread(): void {
  if (location.hash) history.replaceState(null, "", `#/${nameOf()}`);
}

function drawNav(): void {
  const wanted = wantedScreen();
  nav.replaceChildren(
    ...Object.entries(screens ?? {}).map(([key, screen]) =>
      h("a", { href: `#/${key}`, "aria-current": screen === wanted && "page" }, screen.title),
    ),
  );
}

async function route(): Promise<void> {
  if (!screens || !session.isIn) return;
  drawNav();
  const [, , detail = ""] = location.hash.split("/");
  // Asked again with each screen, until the service has told.
  if (!screens.race && mayHaveRace) void findRace().catch(() => {});
  await display(wantedScreen() as Screen, detail);
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

addEventListener("hashchange", () => {
  // The link that skips to the content is no screen.
  if (location.hash !== "" && !location.hash.startsWith("#/")) return;
  // The words were of another screen.
  if (!isOfflineSaid()) say("");
  void route();
});
const OFFLINE = "You are offline. What you typed is still here.";
const isOfflineSaid = () => element("notice").textContent === OFFLINE;
addEventListener("offline", () => say(OFFLINE));
addEventListener("online", () => isOfflineSaid() && say(""));
// A mistake of the page: said, and not only in the console.
addEventListener("unhandledrejection", ({ reason }) => say(failureOf(reason).message));

await session.ask();
if (isAstray) say("There is no page at the address that you came by. This is where Tenure begins.");
