/** The page as its screens see it: a screen asks it to say something, to try something, and to deal with the session's end. */
import type { Say } from "../page/notice.ts";
import { type Failure, failureOf } from "../server/failure.ts";
import { ENDED, type PageSession } from "./session.ts";

export interface Shell {
  session: PageSession;
  say: Say;
  /** Does what a person asked for. A failure is said at the top of the page, with the way on. */
  attempt(action: () => Promise<void>): Promise<void>;
  /** Takes a failure that concerns the session: leads to the login, and carries `again` out after it where a login was all it needed. */
  handled(failure: Failure, again: () => Promise<void>): boolean;
}

export function shell(session: PageSession, say: Say): Shell {
  const handled = (failure: Failure, again: () => Promise<void>): boolean => {
    if (failure.kind === "step-up") session.end("For this, log in again.", again);
    else if (failure.kind === "ended") session.end(ENDED);
    else return false;
    return true;
  };

  async function attempt(action: () => Promise<void>): Promise<void> {
    say("");
    try {
      await action();
    } catch (error) {
      const failure = failureOf(error);
      const again = () => attempt(action);
      if (handled(failure, again)) return;
      say(
        wordsOf(failure, session),
        failure.isPassing ? { label: "Try again", doing: "Trying again…", act: again } : undefined,
      );
    }
  }

  return { session, say, attempt, handled };
}

/** Somebody who is logged in fears for the session when the service does not answer: it lives. */
export const wordsOf = ({ kind, message }: Failure, { isIn }: PageSession): string =>
  kind === "unavailable" && isIn
    ? message.replace(/ Try again shortly\.$/, " You are still logged in; try again shortly.")
    : message;
