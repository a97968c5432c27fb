/** Requests that somebody might try on /api/auth: none of them holds a right to anything. */
import { createHash } from "node:crypto";

/** The things that the attacker has got hold of, and is not to profit from. */
export interface Loot {
  origin: string;
  cookie: string;
  /** A live session's token, for spoiling; only cross-origin pages use it whole, as browsers would for them. */
  token: string;
  /** A challenge whose code was used, with that code, and one whose code is out, with codes that are wrong. */
  used: { challenge: string; code: string };
  open: { challenge: string; wrong: string };
}

export interface Hostile {
  what: string;
  method: string;
  /** Below /api. */
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer>;
}

const ROUTES: [string, string][] = [
  ["GET", "/auth/session"],
  ["POST", "/auth/logout"],
  ["GET", "/auth/sessions"],
  ["POST", "/auth/logout-others"],
  ["POST", "/auth/logout-all"],
  ["DELETE", `/auth/sessions/${"A".repeat(43)}`],
];

/** The `n`th of an endless series, in which every kind comes round. */
export function hostileRequest(n: number, loot: Loot): Hostile {
  const kind = kinds[n % kinds.length] as (n: number, loot: Loot) => Hostile;
  return kind(Math.floor(n / kinds.length), loot);
}

const pick = <T>(list: readonly T[], n: number): T => list[n % list.length] as T;
const noise = (n: number, length: number) =>
  createHash("sha512")
    .update(`noise ${n}`)
    .digest("base64url")
    .repeat(Math.ceil(length / 86))
    .slice(0, length);

function spoiled(token: string, n: number): string {
  const [handle = "", secret = ""] = token.split(".");
  const at = n % token.length;
  return pick(
    [
      noise(n, 66),
      `${handle}.${noise(n, 43)}`,
      `${noise(n, 22)}.${secret}`,
      `${handle}.${createHash("sha256").update(secret).digest("base64url")}`,
      `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`,
      token.slice(0, at),
      token + noise(n, 1 + (n % 9)),
      token.replace(".", pick(["", "..", "/", "%2e", ":", "\t"], n)),
      token.toLowerCase(),
      token.split("").reverse().join(""),
      `{"$ne":null}`,
      "__proto__",
      "' OR '1'='1",
      `{${handle}}:*`,
      "a".repeat(7000),
    ],
    n,
  );
}

function badTokens(n: number, { token, cookie }: Loot): Hostile {
  const [method, path] = pick(ROUTES, n);
  const bad = spoiled(token, Math.floor(n / ROUTES.length));
  const headers: Record<string, string> = pick(
    [{ Authorization: `Bearer ${bad}` }, { "x-api-key": bad }, { Cookie: `${cookie}=${bad}` }],
    Math.floor(n / 5),
  );
  return { what: "a bad token", method, path, headers };
}

function smuggledCookies(n: number, { token, cookie }: Loot): Hostile {
  const [method, path] = pick(ROUTES, n);
  const name = cookie;
  const header = pick(
    [
      `${name}=${token}; ${name}=${token}`,
      `${name}=x; ${name}=${token}`,
      `${name.toLowerCase()}=${token}`,
      `${name.replace("__Host-", "")}=${token}`,
      ` =${name}=${token}`,
      `${name} =${token}`,
      `${name}="${token}"`,
      `${encodeURIComponent(name).replace("_", "%5F")}=${token}`,
      `a=b,${name}=${token}`,
      `a="; ${name}=${token}; ${name}=${noise(n, 9)}"`,
      `${name}=${token.slice(0, 30)}; ${name}=${token.slice(30)}`,
      `${"x=y; ".repeat(1000)}${name}=${noise(n, 66)}`,
      `${name}=${encodeURIComponent(`${token}\r\nSet-Cookie: a=b`)}`,
      `$Version=1; ${name}=${token} ; $Path=/`.replace(token, `${token}.`),
    ],
    Math.floor(n / ROUTES.length),
  );
  return { what: "a smuggled cookie", method, path, headers: { Cookie: header } };
}

function misplacedTokens(n: number, { token }: Loot): Hostile {
  const query = encodeURIComponent(token);
  return pick<Hostile>(
    [
      { what: "a token in the URL", method: "GET", path: `/auth/session?token=${query}&access_token=${query}` },
      { what: "a path that climbs", method: "GET", path: `/auth/%2e%2e/auth/session?x=${n}` },
      { what: "a path with a null", method: "GET", path: `/auth/session%00?x=${n}` },
      { what: "a doubled slash", method: "GET", path: `//auth//session?x=${n}` },
      { what: "Basic", method: "GET", path: "/auth/session", headers: { Authorization: `Basic ${btoa(token)}` } },
      { what: "no scheme", method: "GET", path: "/auth/session", headers: { Authorization: token } },
      {
        what: "two in one",
        method: "GET",
        path: "/auth/session",
        headers: { Authorization: `Bearer x, Bearer ${token}` },
      },
      {
        what: "another method's name",
        method: "POST",
        path: "/auth/session",
        headers: { "X-HTTP-Method-Override": "GET", Authorization: "Bearer x" },
      },
      {
        what: "a claimed identity",
        method: "GET",
        path: "/auth/session",
        headers: {
          "X-Forwarded-User": "admin",
          "X-User-Id": "user_1",
          "X-Forwarded-For": "127.0.0.1",
          Forwarded: "for=_x",
        },
      },
    ],
    n,
  );
}

function badBodies(n: number): Hostile {
  const deep = 20_000;
  const body = pick<string | Uint8Array<ArrayBuffer>>(
    [
      '{"__proto__":{"email":"a@example.com"}}',
      '{"constructor":{"prototype":{"email":"a@example.com"}}}',
      `{"email":{"toString":"a@example.com"}}`,
      '{"email":["a@example.com"]}',
      '{"email":null,"challenge":null,"code":null}',
      `{"email":${n}}`,
      '{"email":true,"code":[1,2,3,4,5,6]}',
      `{"email":"${noise(n, 400)}@example.com"}`,
      `{"email":"a@example.com\\r\\nBcc: b@example.com"}`,
      `{"email":"a@example.com\\u0000"}`,
      `{"email":"<a@example.com>"}`,
      `{"email":"a@[127.0.0.1]"}`,
      `{"email":"a@example.com, b@example.com"}`,
      `{"email":"\\ud800@example.com\\ud800"}`,
      `${"[".repeat(deep)}${"]".repeat(deep)}`,
      `{"a":${'{"a":'.repeat(deep)}1${"}".repeat(deep)}}`,
      `{"challenge":"${noise(n, 66)}","code":"123456","email":5}`,
      `{"challenge":${JSON.stringify(noise(n, 66))},"code":"１２３４５６"}`,
      `{"challenge":{"$gt":""},"code":{"$gt":""}}`,
      `{"challenge":"${noise(n, 5000)}","code":"123456"}`,
      `{"challenge":"x","code":"12345\\n"}`,
      "email=a%40example.com&code=123456",
      `--x\r\nContent-Disposition: form-data; name="email"\r\n\r\na@example.com\r\n--x--`,
      new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
      "\ufeff\ufeff{}",
      "NaN",
      "1e999",
      "",
    ],
    n,
  );
  const type = pick(
    [
      "application/json",
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/json; charset=utf-7",
    ],
    n,
  );
  const path = pick(["/auth/code", "/auth/verify"], Math.floor(n / 28));
  return { what: "a bad body", method: "POST", path, headers: { "Content-Type": type }, body };
}

function codes(n: number, { used, open }: Loot): Hostile {
  const [account, seal] = open.challenge.split(".") as [string, string];
  const attempt = pick(
    [
      used,
      { challenge: open.challenge, code: open.wrong },
      { challenge: `${account}.${noise(n, 44)}`, code: "123456" },
      { challenge: `${noise(n, 22)}.${seal}`, code: "123456" },
      { challenge: used.challenge, code: String(n % 1_000_000).padStart(6, "0") },
    ],
    n,
  );
  return {
    what: "a replayed, guessed or forged code",
    method: "POST",
    path: "/auth/verify",
    body: JSON.stringify(attempt),
  };
}

function foreignPages(n: number, { token, cookie, origin }: Loot): Hostile {
  const { host } = new URL(origin);
  const from = pick<Record<string, string>>(
    [
      { Origin: "https://evil.example" },
      { Origin: "null" },
      { Origin: `http://${host}.evil.example` },
      { Origin: `http://evil.example?${host}` },
      { Origin: `http://${host}@evil.example` },
      { Origin: "" },
      { Origin: `${origin}, https://evil.example` },
      { "Sec-Fetch-Site": "cross-site" },
      { "Sec-Fetch-Site": "same-site", Origin: origin },
      { Origin: "file://" },
    ],
    n,
  );
  const unsafe = [
    ...ROUTES.filter(([method]) => method !== "GET"),
    ["POST", "/auth/code"],
    ["POST", "/auth/verify"],
  ] as const;
  const [method, path] = pick(unsafe, Math.floor(n / 10));
  const type = pick(["text/plain", "application/x-www-form-urlencoded", "application/json"], n);
  return {
    what: "a page of another origin",
    method,
    path,
    headers: { Cookie: `${cookie}=${token}`, "Content-Type": type, ...from },
    ...(method === "POST" && { body: '{"email":"victim@example.com"}' }),
  };
}

const kinds = [badTokens, smuggledCookies, misplacedTokens, badBodies, codes, foreignPages];
