/**
 * How commands reach Upstash's REST API: by `node:http` on connections that stay open, where the client's own way, `fetch`, takes
 * twice the processor time. One command is one request, with the deadline that it was called under. An answer that is not JSON is a
 * `SyntaxError`; a refusal's words are the error's, without the command that the client's own requester repeats in them.
 */
import type { Requester as UpstashRequester } from "@upstash/redis";
import { Connections, type Target } from "../connections.ts";

/** Servers keep a connection for longer, most of them for five seconds and more. */
const IDLE_MS = 4000;

type Request = Parameters<UpstashRequester["request"]>[0];
type Response<T> = Awaited<ReturnType<UpstashRequester["request"]>> & { result?: T };

export class Requester implements UpstashRequester {
  /** Names the state that the next answer may not be older than, as Upstash says; each answer says it anew. */
  upstashSyncToken = "";
  private readonly connections = new Connections({ idleMs: IDLE_MS });
  private readonly target: Target;
  private readonly authorization: string;
  private deadline = Number.POSITIVE_INFINITY;

  constructor(url: string, token: string) {
    const { protocol, hostname, port, pathname } = new URL(url);
    this.target = { protocol, hostname, port, path: pathname };
    this.authorization = `Bearer ${token}`;
  }

  /**
   * Calls the client, whose request must then be answered by a time of `performance.now()`: it is made in the turn in which the client
   * is called. A late one rejects with `TimeoutError`.
   */
  by<T>(deadline: number, command: () => Promise<T>): Promise<T> {
    this.deadline = deadline;
    try {
      return command();
    } finally {
      this.deadline = Number.POSITIVE_INFINITY;
    }
  }

  async request<T>({ body }: Request): Promise<Response<T>> {
    const {
      status,
      headers,
      body: text,
    } = await this.connections.post(this.target, {
      headers: {
        authorization: this.authorization,
        "content-type": "application/json",
        "upstash-sync-token": this.upstashSyncToken,
      },
      body: JSON.stringify(body),
      deadlineMs: this.deadline - performance.now(),
    });
    const answer = parsed(text, status);
    if (status === 200) this.upstashSyncToken = String(headers["upstash-sync-token"] ?? "");
    return answer as Response<T>;
  }
}

/** Anything but an object, and an answer of another status without an error, comes from something else. */
function parsed(body: Buffer, status: number): object {
  let answer: unknown;
  try {
    answer = JSON.parse(body.toString("utf8"));
  } catch {
    // The parser's own words repeat the page.
  }
  if (typeof answer !== "object" || answer === null || (status !== 200 && !("error" in answer)))
    throw new SyntaxError("the answer is none of Redis'");
  return answer;
}
