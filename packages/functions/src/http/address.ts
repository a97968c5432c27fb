/**
 * Where a request comes from. A client can send any header it likes, so its address is taken from one header that
 * the deployment declares as set by its own proxy, or from the connection, and from nothing else.
 */
import type { Context } from "hono";
import ipaddr from "ipaddr.js";

/** The client's address as text, however the proxy writes it; undefined when it is not known. */
export type AddressOf = (c: Context) => string | undefined;

/**
 * The address in a header that the nearest proxy sets. Of a list, as in X-Forwarded-For, the last entry, which that
 * proxy added; those before it are the client's claims.
 */
export function addressFromHeader(name: string): AddressOf {
  return (c) => c.req.header(name)?.split(",").at(-1)?.trim();
}

/** The network of an address: the subject of a limit's window, and what a user is shown. */
export interface Network {
  /** The address itself for IPv4; the /64 for IPv6, of which one household has a whole one. */
  subject: string;
  /** /24 or /48: about a town, not a person. Undefined for what is not an address. */
  coarse: string | undefined;
}

/** The network of clients whose address is not known: they share one window. */
const UNKNOWN: Network = { subject: "unknown", coarse: undefined };

export function networkOf(address: string | undefined): Network {
  const parsed = address === undefined ? undefined : parse(address);
  if (!parsed) return UNKNOWN;
  if (parsed.kind() === "ipv4") return { subject: parsed.toString(), coarse: prefix(parsed, 24) };
  return { subject: prefix(parsed, 64), coarse: prefix(parsed, 48) };
}

function prefix(address: ipaddr.IPv4 | ipaddr.IPv6, bits: number): string {
  const network = address.toByteArray().map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))));
  return `${ipaddr.fromByteArray(network).toString()}/${bits}`;
}

/** Ports are dropped: `203.0.113.7:443`, `[2001:db8::1]:443`, and CloudFront's `2001:db8:0:0:0:0:0:1:443`. */
function parse(address: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const bare = /^\[(.*)\](?::\d+)?$/.exec(address)?.[1] ?? address;
  for (const candidate of [bare, bare.replace(/:\d+$/, "")])
    if (ipaddr.IPv4.isValidFourPartDecimal(candidate) || ipaddr.IPv6.isValid(candidate))
      return ipaddr.process(candidate);
  return undefined;
}
