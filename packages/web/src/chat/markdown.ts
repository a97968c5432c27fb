/**
 * Markdown as elements: marked reads it, and DOMPurify keeps of its HTML what a text needs. An agent's words may be anybody's,
 * so nothing of them runs, loads from anywhere, takes a style of its own, or names an element of the page. Loaded when a chat is opened.
 */
import createPurifier from "dompurify";
import { Marked } from "marked";
import { h } from "../page/dom.ts";

/** Longer texts are shown as they are: reading Markdown can take the square of its length. */
const MAX_LENGTH = 30_000;

const TAGS = "p br hr strong em del code pre blockquote ul ol li h3 table thead tbody tr th td a".split(" ");
/** Each has the direction of its own text. */
const BLOCKS = "p, h3, li, blockquote, th, td";
const SAFE_LINK = /^(?:https?:|mailto:)/i;

const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const marked = new Marked({
  async: false,
  gfm: true,
  breaks: true,
  renderer: {
    // The message is below a heading of the page: its own are of one level, so that none is skipped.
    heading({ tokens }) {
      return `<h3>${this.parser.parseInline(tokens)}</h3>`;
    },
    // HTML in Markdown is text.
    html: ({ text }) => escaped(text),
    // A picture would be asked for at somebody else's server: its address is a link that a person may follow.
    image: ({ href, text }) => `<a href="${escaped(href)}">${escaped(text || href)}</a>`,
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

/** "42. I am an agent" is a sentence and no list: a text that is nothing but one numbered item loses its mark as a list. */
function withoutLoneItem(text: string): string {
  const [first, ...others] = marked.lexer(text).filter(({ type }) => type !== "space");
  const isLone = first?.type === "list" && others.length === 0 && first.ordered && first.items.length === 1;
  return isLone ? text.replace(/^(\s*\d+)(?=[.)])/, "$1\\") : text;
}

/** Undefined where quotes or lists are nested deeper than the parser's stack. */
function htmlOf(text: string): string | undefined {
  try {
    return marked.parse(withoutLoneItem(text)) as string;
  } catch {
    return undefined;
  }
}

const purifier = createPurifier(window);

/** Returns the elements of a text in Markdown, or the text as it is when it is too long, or nested too deep to be read. */
export function rendered(text: string): Node {
  const html = text.length > MAX_LENGTH ? undefined : htmlOf(text);
  if (html === undefined) return h("p", { class: "plain-text", dir: "auto" }, text);
  const fragment = purifier.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ["href", "start", "align"],
    ALLOWED_URI_REGEXP: SAFE_LINK,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    KEEP_CONTENT: true,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const block of fragment.querySelectorAll(BLOCKS)) block.setAttribute("dir", "auto");
  for (const link of fragment.querySelectorAll("a")) {
    if (!link.hasAttribute("href")) link.replaceWith(...link.childNodes);
    link.setAttribute("target", "_blank");
    link.setAttribute("rel", "noopener noreferrer nofollow");
  }
  for (const table of fragment.querySelectorAll("table")) boxed(table, h("div", { class: "scroll", tabindex: 0 }));
  for (const code of fragment.querySelectorAll("pre")) {
    code.setAttribute("tabindex", "0");
    code.setAttribute("dir", "ltr");
    boxed(code, h("div", { class: "code-block" }), copyButton(code));
  }
  return fragment;
}

function boxed(element: Element, box: HTMLElement, ...further: Node[]): void {
  element.replaceWith(box);
  box.append(element, ...further);
}

const COPIED_MS = 3_000;

function copyButton(code: Element): HTMLButtonElement {
  const button = h("button", { type: "button", class: "quiet small copy", click: () => void copy() }, "Copy");
  let timer: ReturnType<typeof setTimeout> | undefined;
  async function copy(): Promise<void> {
    const text = (code.textContent ?? "").replace(/\n$/, "");
    // A browser that may not copy leaves the code selected, for the person to do it.
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection()?.selectAllChildren(code);
      button.textContent = "Press Ctrl+C";
    }
    clearTimeout(timer);
    timer = setTimeout(() => {
      button.textContent = "Copy";
    }, COPIED_MS);
  }
  return button;
}
