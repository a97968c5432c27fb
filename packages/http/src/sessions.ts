/**
 * Sessions on `Request` and `Response`, for any server: who asks, whether the session lives, and what the browser is told. The
 * adapters (hono.ts, express.ts, fastify.ts, node.ts) make a middleware of it.
 */
import { TenureError } from "@tenure/core/errors";
import type { Origin, Session, SessionStore } from "@tenure/core/session";
import { newToken, parseToken, type SessionRef } from "@tenure/core/token";
import { type CookiePolicy, clearedCookie, credentialOf, hostCookie, sessionCookie } from "./credential.ts";
import type { Asking, Gate, HeaderSink } from "./gate.ts";
import { allowedOriginOf, crossesOrigin, type Origins } from "./same-origin.ts";

export interface SessionOptions<Data> extends Origins {
  sessions: SessionStore<Data>;
  /** Default: `hostCookie`. */
  cookie?: CookiePolicy;
}

/** The session of one request, from the moment in which it was let through. */
export interface Visit<Data> {
  readonly session: Session<Data>;
  readonly ref: SessionRef;
  /**
   * Replaces the session's data, if nothing else has changed it meanwhile: otherwise resolves to "stale", and nothing changes.
   * Throws `session-required` when the session has ended meanwhile.
   */
  update(data: Data): Promise<Session<Data> | "stale">;
  /**
   * Moves the session to a new token, which a browser is given in its cookie; resolves to it, for a client that is none. The old
   * token is dead then. To be called when the session comes to mean more; `authenticated` says that the user has just proved who they are.
   */
  rotate(options?: { authenticated?: boolean }): Promise<string>;
  /** Ends the session and the cookie. After an unknown outcome it throws, and the user is not logged out: to be repeated. */
  logOut(): Promise<void>;
  /** Ends the user's other sessions, and says how many. */
  logOutOthers(): Promise<number>;
}

export interface Sessions<Data> extends Gate {
  /** The visit of a request that was let through, by the object that its handler knows it by. Throws for any other. */
  visit(key: object): Visit<Data>;
  /**
   * Begins a session of the user behind the handle, in place of the one that the request has, if that is theirs. Resolves to the
   * token, for a client that is no browser; a browser has it in its cookie, which `sink` takes.
   */
  logIn(
    login: { handle: string; data: Data; origin?: Origin },
    request: Asking,
    sink: HeaderSink,
  ): Promise<{ token: string; session: Session<Data> }>;
  /** A gate behind this one: the login, or a rotation that followed a proof, was within `maxAgeMs`. */
  recentLogin(maxAgeMs: number): Gate;
}

/**
 * Lets a request through that has a live session, and touches it. Otherwise the answer is a problem document: 401 without a
 * session, 403 for an unsafe request that a page of another origin makes with the cookie, 503 with Retry-After when Redis does not
 * answer; the cookie stays then, since nobody knows whether the session lives.
 *
 * @example
 * import type { SessionStore } from "@tenure/core/session";
 * import { createSessions } from "@tenure/http";
 *
 * declare const store: SessionStore<{ userId: string }>;
 * const sessions = createSessions({ sessions: store });
 */
export function createSessions<Data>(options: SessionOptions<Data>): Sessions<Data> {
  const { sessions, cookie = hostCookie, publicOrigin, allowedOrigins = [] } = options;
  const visits = new WeakMap<object, Visit<Data>>();

  /** Tells the client until when the session lives, so that a page need not ask, which would touch it. Epoch milliseconds. */
  function tellEnd(sink: HeaderSink, { idleExpiresAt, absoluteExpiresAt }: Session<Data>): void {
    sink.set("Cache-Control", "no-store");
    sink.set("X-Session-Expires-At", String(Math.min(idleExpiresAt, absoluteExpiresAt)));
  }

  function newVisit(ref: SessionRef, session: Session<Data>, sink: HeaderSink): Visit<Data> {
    const current = { ref, session };
    tellEnd(sink, session);
    return {
      get session() {
        return current.session;
      },
      get ref() {
        return current.ref;
      },
      async update(data) {
        const updated = await sessions.update(current.ref, data, current.session.revision);
        if (updated === undefined) throw new TenureError({ tag: "session-required" });
        if (updated !== "stale") current.session = updated;
        return updated;
      },
      async rotate({ authenticated = false } = {}) {
        const next = newToken(current.ref.handle);
        const rotated = await sessions.rotate(current.ref, next.ref, { authenticated });
        if (!rotated) throw new TenureError({ tag: "session-required" });
        Object.assign(current, { ref: next.ref, session: rotated });
        tellEnd(sink, rotated);
        sink.append("Set-Cookie", sessionCookie(cookie, next.token, rotated));
        return next.token;
      },
      async logOut() {
        await sessions.revoke(current.ref);
        sink.append("Set-Cookie", clearedCookie(cookie));
      },
      async logOutOthers() {
        const ended = await sessions.revokeOthers(current.ref);
        if (ended === undefined) throw new TenureError({ tag: "session-required" });
        return ended;
      },
    };
  }

  function visit(key: object): Visit<Data> {
    const found = visits.get(key);
    if (!found)
      throw new TypeError("this request did not come through the gate of its sessions: put it before the handler");
    return found;
  }

  return {
    visit,

    async check(request, key, sink) {
      const credential = credentialOf(request, cookie);
      if (credential?.from === "cookie" && crossesOrigin(request, { publicOrigin, allowedOrigins }))
        throw new TenureError({ tag: "cross-origin" });
      const ref = credential && parseToken(credential.token);
      const found = ref && (await sessions.readAndTouch(ref));
      if (!ref || !found) throw new TenureError({ tag: "session-required" });
      visits.set(key, newVisit(ref, found, sink));
      return undefined;
    },

    async logIn({ handle, data, origin }, request, sink) {
      // A page of an allowed origin holds its token itself, and gets no cookie.
      const isElsewhere = allowedOriginOf(request, allowedOrigins) !== undefined;
      if (!isElsewhere && crossesOrigin(request, { publicOrigin, allowedOrigins }))
        throw new TenureError({ tag: "cross-origin" });
      const { token, ref } = newToken(handle);
      const held = credentialOf(request, cookie);
      const old = held && parseToken(held.token);
      const replaces = old?.handle === handle ? { replaces: old } : {};
      const { session } = await sessions.create(ref, { data, ...(origin && { origin }), ...replaces });
      tellEnd(sink, session);
      if (!isElsewhere) sink.append("Set-Cookie", sessionCookie(cookie, token, session));
      return { token, session };
    },

    recentLogin: (maxAgeMs) => ({
      async check(_request, key) {
        const { readAt, authenticatedAt } = visit(key).session;
        if (readAt - authenticatedAt > maxAgeMs) throw new TenureError({ tag: "step-up-required", maxAgeMs });
        return undefined;
      },
    }),
  };
}
