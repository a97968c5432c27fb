import { describe, expect, it } from "vitest";
import { networkOf } from "./address.ts";

describe("networkOf", () => {
  it.each([
    ["203.0.113.77", "203.0.113.77", "203.0.113.0/24"],
    ["203.0.113.77:49152", "203.0.113.77", "203.0.113.0/24"],
    ["::ffff:203.0.113.77", "203.0.113.77", "203.0.113.0/24"],
    ["2001:db8:1234:5678:9abc::1", "2001:db8:1234:5678::/64", "2001:db8:1234::/48"],
    ["[2001:db8:1234:5678::1]:443", "2001:db8:1234:5678::/64", "2001:db8:1234::/48"],
    ["2001:db8:1234:5678:0:0:0:1:443", "2001:db8:1234:5678::/64", "2001:db8:1234::/48"],
    ["::1", "::/64", "::/48"],
  ])("takes %j as %j, shown as %j", (given, subject, coarse) => expect(networkOf(given)).toEqual({ subject, coarse }));

  it.each([undefined, "", "unknown", "1.2.3", "0x7f000001", "2130706433", "example.com", "1.2.3.4, 5.6.7.8", "\0"])(
    "lets %j share one window with all that is unknown",
    (given) => expect(networkOf(given)).toEqual({ subject: "unknown", coarse: undefined }),
  );
});
