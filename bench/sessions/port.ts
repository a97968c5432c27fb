/** The port through which every peer is driven. A credential is whatever its client would hold: a token or a cookie. */

/** Where one peer finds the one redis-server: directly, through REST, or through counting proxies before either. */
export interface Env {
  redisUrl: string;
  restUrl: string;
  restToken: string;
}

export const OPERATIONS = [
  "create",
  "read",
  "read and touch",
  "update data",
  "rotate",
  "list devices",
  "logout",
  "logout others",
  "logout everywhere",
] as const;

export type Operation = (typeof OPERATIONS)[number];

/** Without an operation, the library has none of that kind. */
export type Operations = Partial<Record<Operation, (credential: string) => Promise<void>>>;

export interface Opened {
  /** Makes a user who can log in, with no session. */
  register(user: string): Promise<void>;
  /** Starts a session of a registered user. */
  login(user: string): Promise<string>;
  /** The library's ordinary request, which reads the session and writes it. Its answer does not matter. */
  use(credential: string): Promise<void>;
  /** Resolves when the library has said that this session is over. */
  logout(credential: string): Promise<void>;
  /** Resolves to true when a fresh request with the credential is honoured. */
  alive(credential: string): Promise<boolean>;
  /** Each ends in a rejection if it did not do its work; `create` is `login`, and is given a user. */
  operations: Operations;
  close(): Promise<void>;
}

export interface Peer {
  name: string;
  /** A sentence on what `use` does. Without it, the peer is not raced. */
  use?: string;
  open(env: Env): Promise<Opened>;
}

/** The first cookie of an answer, as a client sends it back. */
export function cookieOf(response: Response, name: string): string {
  const cookie = response.headers.getSetCookie().find((line) => line.startsWith(`${name}=`));
  if (!cookie) throw new Error(`${response.url}: no cookie ${name}, status ${response.status}`);
  return cookie.split(";")[0] as string;
}

/** The answer, or a rejection when its status is not a success. */
export async function succeeded(response: Response | Promise<Response>): Promise<Response> {
  const { ok, status, url } = await response;
  if (!ok) throw new Error(`${url}: ${status} ${await (await response).text()}`);
  return response;
}
