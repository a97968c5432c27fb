/** The race's place while nobody knows yet whether the deployment has one: it says so, and asks again when the person does. */
import { h, type Screen } from "../page/dom.ts";
import { part } from "../page/part.ts";
import type { Shell } from "../session/shell.ts";

/** `find` puts the race in its place, or leaves it where there is none; it throws a Failure. */
export function raceDoor(find: () => Promise<void>, handled: Shell["handled"]): Screen {
  const found = part({ loading: "Loading the race…", content: () => find().then(() => []), handled });
  return {
    title: "Expiry race",
    element: h(
      "section",
      { "aria-labelledby": "door-title" },
      h("h1", { id: "door-title", tabindex: -1 }, "The expiry race"),
      found.element,
    ),
    show: found.load,
  };
}
