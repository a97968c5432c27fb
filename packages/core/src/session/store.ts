import type { SessionRef } from "../token.ts";
import type { Session, SessionData } from "./policy.ts";

/**
 * Strict sessions. Every method is atomic and takes one round trip. Once `revoke` has returned, or a deadline
 * has passed by Redis' clock, no `readAndTouch` that begins afterwards finds the session, and none that is
 * under way brings it back. Every method throws `store-unavailable` when Redis does not answer in time.
 */
export interface SessionStore {
  /**
   * Starts a session under a fresh reference. The user's oldest sessions end when there are more than the cap.
   * Idempotent for the same reference. Unknown outcome: a session may exist whose token nobody holds; it idles
   * out.
   */
  create(ref: SessionRef, data: SessionData): Promise<Session>;

  /**
   * The live session, its idle deadline extended when the last touch is long enough ago; undefined when there
   * is none. The idle deadline never passes the absolute one. Idempotent: may be repeated after any failure.
   */
  readAndTouch(ref: SessionRef): Promise<Session | undefined>;

  /**
   * Ends the session; false when there was none. Idempotent: after an unknown outcome, repeat it until it
   * returns, and only then tell the user that they are logged out.
   */
  revoke(ref: SessionRef): Promise<boolean>;
}
