/** Elements made in one expression. Text is text: nothing here takes markup. */
type Child = Node | string | undefined | false;
export type Attributes = Record<string, string | number | boolean | undefined | ((event: Event) => void)>;

/** A function is a listener, `true` an attribute without a value; `false` and `undefined` are left out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  fill(element, attributes, children);
  return element;
}

export function svg(tag: string, attributes: Attributes = {}, ...children: Child[]): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  fill(element, attributes, children);
  return element;
}

function fill(element: Element, attributes: Attributes, children: Child[]): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== undefined && child !== false));
}

/** A screen's element, named by its heading, which gets the keyboard's place when the screen comes into view. */
export const section = (id: string, heading: string, attributes: Attributes, ...children: Child[]): HTMLElement =>
  h(
    "section",
    { ...attributes, "aria-labelledby": `${id}-title` },
    h("h1", { id: `${id}-title`, tabindex: -1 }, heading),
    ...children,
  );

/** A listener for a form, of which the page takes care by itself. */
export const submitted = (act: () => unknown) => (event: Event) => {
  event.preventDefault();
  act();
};

/** A part of the page, made once and kept, so that what was typed in it stays. */
export interface Screen {
  element: HTMLElement;
  title: string;
  /** Called whenever it comes into view, with what the address says behind its name. */
  show(detail: string): void | Promise<void>;
  /** Called when another takes its place. */
  hide?(): void;
  /** Called when its user has gone, and it is never shown again. */
  drop?(): void;
}
