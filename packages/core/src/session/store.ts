import type { SessionRef } from "../token.ts";
import type { DamagedSession, Origin, Session } from "./policy.ts";

/**
 * Strict sessions. Every method is one script in Redis: atomic, and one round trip (a server that has just
 * started costs one more, once for each script). Once a method that ends a session has returned, or a deadline has
 * passed by Redis' clock, no method that begins afterwards finds that session, and none that is under way brings
 * it back. Every method throws `store-unavailable` when Redis does not answer in time.
 *
 * `Data` is the application's, a few fields of JSON of at most 4 KB; `undefined` stands for "there is no such
 * session" and for nothing else.
 */
export interface SessionStore<Data> {
  /**
   * Starts a session under a fresh reference. `replaces`, another of the user's sessions, ends in the same step.
   * The user's oldest sessions end when there are more than the cap; `ended` counts both.
   * Idempotent for the same reference. Unknown outcome: a session may exist whose token nobody holds; it idles out.
   */
  create(
    ref: SessionRef,
    session: { data: Data; origin?: Origin | undefined; replaces?: SessionRef | undefined },
  ): Promise<{ session: Session<Data>; ended: number }>;

  /**
   * The live session, its idle deadline extended when the last touch is long enough ago. The idle deadline never
   * passes the absolute one. Idempotent: may be repeated after any failure.
   */
  readAndTouch(ref: SessionRef): Promise<Session<Data> | undefined>;

  /**
   * Replaces the session's data; no deadline moves. With `revision`, only if no other update came between:
   * otherwise "stale", and nothing changes. Unknown outcome: without `revision`, repeat it; with one, read first.
   */
  update(ref: SessionRef, data: Data, revision?: number): Promise<Session<Data> | "stale" | undefined>;

  /**
   * Moves the session to a fresh reference of the same user; the old one is dead when this returns, with no grace.
   * `authenticated` says that the user has just proved who they are: the session then starts a new absolute
   * time, as at a login. Idempotent for the same pair. Unknown outcome: repeat it, or log in anew.
   */
  rotate(
    from: SessionRef,
    to: SessionRef,
    options?: { authenticated?: boolean | undefined },
  ): Promise<Session<Data> | undefined>;

  /**
   * Ends the session and gives back what it was; undefined when there was none.
   * Idempotent: after an unknown outcome, repeat it until it returns, and only then tell the user that they are
   * logged out.
   */
  revoke(ref: SessionRef): Promise<Session<Data> | DamagedSession | undefined>;

  /** Ends the user's other sessions and says how many, if this one lives. Repeat it after an unknown outcome. */
  revokeOthers(ref: SessionRef): Promise<number | undefined>;

  /** Ends all sessions of the user behind the handle and says how many. Repeat it after an unknown outcome. */
  revokeAll(handle: string): Promise<number>;

  /** The user's live sessions, newest first, untouched; one whose record cannot be read stands in its place. */
  list(handle: string): Promise<(Session<Data> | DamagedSession)[]>;
}
