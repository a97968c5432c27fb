/** The mailbox of the local stack: login codes as messages, newest first, on a page and as JSON. Kept in memory. */
import type { Clock } from "@tenure/core/clock";
import { type CodeMessage, codeSubject, codeText, type Mailer } from "@tenure/functions/mailer";
import { Hono } from "hono";
import { html } from "hono/html";

/** `at` is epoch milliseconds. */
export interface Mail {
  to: string;
  subject: string;
  text: string;
  code: string;
  at: number;
}

const KEPT = 100;

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; }
article { border: 1px solid; border-radius: 0.5rem; padding: 0 1rem; margin: 1rem 0; }
h2 { font-size: 1.1rem; }
pre { white-space: pre-wrap; font: inherit; }
`;

export class Mailbox implements Mailer {
  private readonly messages: Mail[] = [];
  private readonly announce: (mail: Mail) => void;
  private readonly clock: Clock;

  constructor(announce: (mail: Mail) => void, clock: Clock) {
    this.announce = announce;
    this.clock = clock;
  }

  async sendCode(message: CodeMessage): Promise<void> {
    const at = this.clock.now();
    const { to, code } = message;
    const mail: Mail = { to, subject: codeSubject(message), text: codeText(message, at), code, at };
    this.messages.unshift(mail);
    this.messages.splice(KEPT);
    this.announce(mail);
  }

  routes(): Hono {
    return new Hono()
      .use(async (c, next) => {
        await next();
        c.header("Cache-Control", "no-store");
      })
      .get("/mail.json", (c) => c.json(this.messages))
      .get("/mail.css", (c) => c.body(STYLE, 200, { "Content-Type": "text/css" }))
      .get("/mail", (c) => c.html(page(this.messages)));
  }
}

function page(messages: readonly Mail[]) {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <meta http-equiv="refresh" content="3" />
        <title>Mailbox</title>
        <link rel="stylesheet" href="/dev/mail.css" />
      </head>
      <body>
        <main>
          <h1>Mailbox</h1>
          <p>What this server would have sent. Only the local stack has this page.</p>
          ${messages.length === 0 ? html`<p>No mail yet.</p>` : ""}
          ${messages.map(
            ({ to, subject, text, at }) =>
              html`<article>
                <h2>${subject}</h2>
                <p>To ${to}, <time datetime="${new Date(at).toISOString()}">${new Date(at).toLocaleTimeString()}</time></p>
                <pre>${text}</pre>
              </article>`,
          )}
        </main>
      </body>
    </html>`;
}
