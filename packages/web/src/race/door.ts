/** The race's place while nobody knows yet whether the deployment has one: it says so, and asks again when the person does. */
import { type Screen, section } from "../page/dom.ts";
import { part } from "../page/part.ts";
import type { Shell } from "../session/shell.ts";

/** `find` puts the race in its place, or leaves it where there is none; it throws a Failure. */
export function raceDoor(find: () => Promise<void>, handled: Shell["handled"]): Screen {
  const found = part({ loading: "Loading the race…", content: () => find().then(() => []), handled });
  return {
    title: "Expiry race",
    element: section("door", "The expiry race", {}, found.element),
    show: found.load,
  };
}
