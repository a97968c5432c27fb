/** Requests of the smoke test. Each has a deadline, and what it says of a failure names no token, no code and no body. */

/** A run that is waited for is in it, with a model that thinks. */
const DEADLINE_MS = 120_000;

/** A step that has not seen what it should, in words for whoever runs it. */
export class StepError extends Error {}

export class Client {
  /** @param {string} api the address of the API, which ends with /api */
  constructor(api) {
    this.api = api;
    this.token = undefined;
    this.waitedMs = 0;
  }

  /** Resolves to what `work` does; the time that it takes is a person's or a mailbox's, and is in `waited`. */
  async waiting(work) {
    const from = performance.now();
    try {
      return await work;
    } finally {
      this.waitedMs += performance.now() - from;
    }
  }

  /** Returns the milliseconds that were waited since the last call. */
  waited() {
    const { waitedMs } = this;
    this.waitedMs = 0;
    return waitedMs;
  }

  /** The answer, whatever its status. */
  async send(method, path, { body, headers = {}, signal } = {}) {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    try {
      return await fetch(this.api + path, {
        method,
        redirect: "manual",
        headers: {
          ...(body !== undefined && { "Content-Type": "application/json" }),
          ...(this.token && { Authorization: `Bearer ${this.token}` }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      });
    } catch (error) {
      throw new StepError(`${method} /api${path}: no answer (${error.cause?.code ?? error.name})`);
    }
  }

  /** The JSON of an answer with the expected status; undefined for one without a body. */
  async ask(method, path, { expected = 200, ...request } = {}) {
    const response = await this.send(method, path, request);
    if (response.status !== expected) throw await unexpected(response, method, path, expected);
    if (expected === 204) return undefined;
    return response.json().catch(() => {
      throw new StepError(`${method} /api${path}: the answer is no JSON: is this the address of a Tenure?`);
    });
  }

  /**
   * Yields the events of a stream as they come; throws a StepError when the stream breaks off. A caller that has left the loop
   * ends the connection by `signal`.
   * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
   */
  async *events(method, path, request = {}) {
    const response = await this.send(method, path, request);
    if (response.status !== 200) throw await unexpected(response, method, path, 200);
    let text = "";
    try {
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        const parts = text.split("\n\n");
        text = parts.pop() ?? "";
        yield* parts.flatMap(eventOf);
      }
    } catch (error) {
      throw error instanceof StepError
        ? error
        : new StepError(`${method} /api${path}: the stream broke off (${error.name})`);
    }
  }
}

/** Undefined for a comment, which keeps a connection open. */
function eventOf(part) {
  const lines = part.split("\n").filter((line) => !line.startsWith(":"));
  const { event, id, data } = Object.fromEntries(lines.map((line) => line.split(/: ?(.*)/s, 2)));
  return event ? [{ event, id: Number(id ?? -1), data: JSON.parse(data ?? "null") }] : [];
}

async function unexpected(response, method, path, expected) {
  const { title, detail } = await response.json().catch(() => ({}));
  const said = title ? `${title}: ${detail}` : `not in Tenure's words (${response.headers.get("Content-Type")})`;
  return new StepError(`${method} /api${path}: ${response.status} in place of ${expected}, ${said}`);
}
