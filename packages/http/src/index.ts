/** Sessions, codes and rate limits on `Request` and `Response`. An adapter for the server is beside it: hono, express, fastify, node. */
export { type CodeOptions, type Codes, createCodes } from "./codes.ts";
export {
  type CookiePolicy,
  type Credential,
  clearedCookie,
  cookiesNamed,
  credentialOf,
  hostCookie,
  sessionCookie,
  sessionRefOf,
} from "./credential.ts";
export { guarded, passGates } from "./fetch.ts";
export { type Asking, checkGate, type Gate, type HeaderSink } from "./gate.ts";
export { type LimitOptions, limited, takeOrRefuse } from "./limits.ts";
export { type Problem, problemOf, problemResponse, problems } from "./problem.ts";
export { allowedOriginOf, crossesOrigin, type Origins } from "./same-origin.ts";
export { createSessions, type SessionOptions, type Sessions, type Visit } from "./sessions.ts";
