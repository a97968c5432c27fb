import type { Origin } from "@tenure/core/session";
import Bowser from "bowser";
import type { Context } from "hono";
import { type AddressOf, networkOf } from "../http/address.ts";

const MAX_USER_AGENT = 512;

/** Where a request comes from, in words for the account's owner. */
export function originOf(c: Context, addressOf: AddressOf): Origin {
  const device = deviceOf(c);
  const { coarse } = networkOf(addressOf(c));
  return { ...(device && { device }), ...(coarse && { network: coarse }) };
}

/** "Firefox on Windows", or the program's own name ("curl"): enough to tell one's devices apart. */
function deviceOf(c: Context): string | undefined {
  const agent = c.req.header("User-Agent")?.slice(0, MAX_USER_AGENT);
  if (!agent) return undefined;
  const { browser, os } = Bowser.parse(agent);
  const name = browser.name || /^[\w.-]{1,40}/.exec(agent)?.[0];
  return name && os.name ? `${name} on ${os.name}` : name;
}
