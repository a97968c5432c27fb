/** The five states that every screen has: under which name a scene shows each, and the words that a person reads in it. */

type State = "loading" | "empty" | "error" | "offline" | "expired";

const UNAVAILABLE = "The service is unavailable at the moment.";
const OFFLINE = "You are offline. Try again when you are connected.";
const ENDED = "Your session has ended. Log in again; what you typed is still here.";

export const states: Record<string, Record<State, [name: string, words: string]>> = {
  "the address": {
    loading: ["login-sending", "Sending…"],
    empty: ["login", "Send me a code"],
    error: ["login-unavailable", UNAVAILABLE],
    offline: ["login-offline", OFFLINE],
    // The session's end leads here from every screen.
    expired: ["home-expired", ENDED],
  },
  "the code": {
    loading: ["code-checking", "Logging in…"],
    empty: ["code", "A code is on its way to"],
    error: ["code-unavailable", UNAVAILABLE],
    offline: ["code-offline", OFFLINE],
    expired: ["code-expired", "This code has expired: send another one."],
  },
  home: {
    loading: ["home-loading", "Loading your activity…"],
    empty: ["home-empty", "Nothing yet."],
    error: ["home-failed", UNAVAILABLE],
    offline: ["home-offline", OFFLINE],
    expired: ["home-expired", ENDED],
  },
  "the chat": {
    loading: ["thread-loading", "Loading the thread…"],
    empty: ["chat-empty", "Nothing was said yet."],
    error: ["chat-unread", UNAVAILABLE],
    offline: ["chat-offline", OFFLINE],
    expired: ["chat-expired", ENDED],
  },
  "the race": {
    loading: ["race-loading", "Writing the record to both stores…"],
    empty: ["race-before", "No race has begun yet."],
    error: ["race-unavailable", UNAVAILABLE],
    offline: ["race-offline", OFFLINE],
    expired: ["race-expired", ENDED],
  },
};
