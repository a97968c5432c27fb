/**
 * The session of this page.
 *
 *     asking   -> in        the server names a user
 *              -> out       the server says that there is no session
 *              -> unknown   no answer, or one that says nothing of sessions: offline, a gateway, the stores away
 *     unknown  -> asking    when the person asks, when the network is back, or after a while
 *     in       -> ended     an answer of 401, the deadline, or an action that wants a recent login: the screens wait behind the login
 *              -> out       logged out, here or in another tab: nothing of the user stays
 *              -> in        the same user, asked again; or another one, who has logged in in another tab
 *     ended    -> in        a login here or in another tab; another user gets screens of their own
 *              -> out       logged out in another tab
 *     out      -> in        a login here or in another tab
 *
 * Never: a login form while nobody knows whether there is a session; a screen of one user before another one; a request by a
 * page that shows a user whose cookie another tab has replaced, once that tab has told.
 */
import { currentSession, type SessionDescription } from "../server/account.ts";
import { serverNow } from "../server/clock.ts";
import { Failure, failureOf } from "../server/failure.ts";
import { onExpiry } from "../server/http.ts";
import { otherTabs } from "./tabs.ts";

export type SessionState =
  | { name: "asking" }
  | { name: "unknown"; failure: Failure; againAt: number }
  | { name: "in"; found: SessionDescription }
  | { name: "ended"; found: SessionDescription; words: string }
  | { name: "out"; words: string };

/** `words` tell a person why, where it was not their own doing. */
export type Shown = (state: SessionState, isNewUser: boolean, words: string) => void;

const FIRST_AGAIN_MS = 5_000;
const LAST_AGAIN_MS = 60_000;
/** A tab that comes into view asks again when its last answer is so old. */
const STALE_MS = 60_000;
/** Asked so long after a deadline, the server does not find the session any more. */
const PAST_MS = 50;

export class PageSession {
  private state: SessionState = { name: "asking" };
  private readonly show: Shown;
  private readonly tell: ReturnType<typeof otherTabs>;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private waitMs = FIRST_AGAIN_MS;
  private askedAt = 0;
  /** The action that wanted a recent login, to be carried out after it by the same user. */
  private pending: (() => Promise<void>) | undefined;

  constructor(show: Shown) {
    this.show = show;
    this.tell = otherTabs((news) => {
      if (news.kind === "out") void this.leftElsewhere();
      else void this.enteredElsewhere();
    });
    onExpiry((at) => this.heardExpiry(at));
    addEventListener("online", () => this.state.name === "unknown" && void this.ask());
    // A page that comes back as it was left does not know what other tabs have done meanwhile.
    addEventListener("pageshow", ({ persisted }) => {
      if (persisted) void (this.isIn ? this.lookAgain(0) : this.enteredElsewhere());
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") void this.lookAgain(STALE_MS);
    });
  }

  get found(): SessionDescription | undefined {
    return this.state.name === "in" || this.state.name === "ended" ? this.state.found : undefined;
  }

  get isIn(): boolean {
    return this.state.name === "in";
  }

  /** Finds out whether there is a session. */
  async ask(): Promise<void> {
    clearTimeout(this.timer);
    try {
      const found = await this.read();
      this.waitMs = FIRST_AGAIN_MS;
      if (found) this.enter(found);
      else this.become({ name: "out", words: "" });
    } catch (error) {
      const againAt = Date.now() + this.waitMs;
      this.become({ name: "unknown", failure: failureOf(error), againAt });
      this.timer = setTimeout(() => void this.ask(), this.waitMs);
      this.waitMs = Math.min(LAST_AGAIN_MS, this.waitMs * 2);
    }
  }

  /** Asks for the session, which touches it; throws a Failure, "ended" when there is none. */
  async refresh(): Promise<void> {
    const found = await this.read();
    if (!found) throw new Failure("ended", "Your session has ended.", { status: 401 });
    if (this.state.name === "in") this.enter(found, TAKEN_OVER(found));
  }

  /** After a login on this page. */
  loggedIn(found: SessionDescription): void {
    this.tell({ kind: "in", userId: found.user.id });
    this.enter(found);
  }

  /** After a logout on this page. */
  loggedOut(words: string): void {
    this.tell({ kind: "out" });
    this.pending = undefined;
    this.become({ name: "out", words });
  }

  /** Back to the login; the same user then finds everything as it was, and `again` is carried out. */
  end(words: string, again?: () => Promise<void>): void {
    if (this.state.name !== "in") return;
    this.pending = again;
    this.become({ name: "ended", found: this.state.found, words });
  }

  private async read(): Promise<SessionDescription | undefined> {
    const found = await currentSession();
    this.askedAt = Date.now();
    return found;
  }

  private enter(found: SessionDescription, words = ""): void {
    const before = this.found?.user.id;
    const isNewUser = before !== found.user.id;
    const isBack = this.state.name !== "in" && !isNewUser;
    const pending = isBack ? this.pending : undefined;
    this.pending = undefined;
    if (this.state.name === "in" && !isNewUser) this.state = { name: "in", found };
    else this.become({ name: "in", found }, isNewUser, before === undefined ? "" : words);
    this.watchDeadline();
    if (pending) void pending();
  }

  private become(state: SessionState, isNewUser = false, words = ""): void {
    this.state = state;
    clearTimeout(this.timer);
    this.show(state, isNewUser, words);
  }

  /** The page knows when its session ends, and asks then: another tab may have touched it. */
  private watchDeadline(): void {
    if (this.state.name !== "in") return;
    clearTimeout(this.timer);
    const { idleExpiresAt, absoluteExpiresAt } = this.state.found.session;
    const left = Math.min(idleExpiresAt, absoluteExpiresAt) - serverNow();
    this.timer = setTimeout(() => void this.lookAgain(0), Math.max(0, left) + PAST_MS);
  }

  private heardExpiry(at: number): void {
    if (this.state.name !== "in") return;
    const { found } = this.state;
    if (at < found.session.absoluteExpiresAt)
      this.state = { name: "in", found: { ...found, session: { ...found.session, idleExpiresAt: at } } };
    this.watchDeadline();
  }

  /** Asks again when the last answer is `staleMs` old or the deadline has come, as after a night with the lid shut. */
  private async lookAgain(staleMs: number): Promise<void> {
    if (this.state.name !== "in") return;
    const { idleExpiresAt, absoluteExpiresAt } = this.state.found.session;
    const isPast = serverNow() >= Math.min(idleExpiresAt, absoluteExpiresAt);
    if (!isPast && Date.now() - this.askedAt < staleMs) return;
    try {
      await this.refresh();
    } catch (error) {
      if (failureOf(error).kind === "ended") this.end(ENDED);
      // Nobody knows: the next action tells, or the next look.
      else this.timer = setTimeout(() => void this.lookAgain(0), LAST_AGAIN_MS);
    }
  }

  private async enteredElsewhere(): Promise<void> {
    if (this.state.name === "asking" || this.state.name === "unknown") return;
    const found = await this.read().catch(() => undefined);
    if (found) this.enter(found, TAKEN_OVER(found));
    // Another user may be logged in, and the page cannot find out: it shows nobody's screens meanwhile.
    else if (this.state.name === "in") await this.ask();
  }

  private async leftElsewhere(): Promise<void> {
    if (this.state.name !== "in" && this.state.name !== "ended") return;
    this.pending = undefined;
    this.become({ name: "out", words: "You are logged out: another tab has logged out." });
  }
}

export const ENDED = "Your session has ended. Log in again; what you typed is still here.";
const TAKEN_OVER = ({ user }: SessionDescription) =>
  `Another tab has logged in as ${user.email}. This tab now shows what is theirs.`;
