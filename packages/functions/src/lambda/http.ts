/**
 * A Hono app behind a Lambda function URL whose answers are streamed. The invocation ends when the work does: what goes on
 * after the last byte, `finish` waits for, since a process between invocations is frozen. Near the function's deadline
 * `finish` is told to hurry, and an answer that is then still open is broken off, so that its client comes back.
 *
 * Events: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html, version 2.0.
 */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Context as LambdaContext, LambdaFunctionURLEvent } from "aws-lambda";
import type { Hono } from "hono";

export interface Finish {
  /** An invocation begins: there is time. */
  begin?(): void;
  /** Waits for whatever the request has begun. */
  finished(): Promise<void>;
  /** There is little time left. */
  hurry?(): Promise<void>;
}

/** Before the deadline: to stop what is under way, and then to break off. */
const HURRY_MS = 20_000;
const BREAK_OFF_MS = 5_000;

export function streamingHandler(app: Hono, finish: Finish) {
  return awslambda.streamifyResponse<LambdaFunctionURLEvent>(async (event, output, context) => {
    finish.begin?.();
    const timers: NodeJS.Timeout[] = [];
    const before = (leftMs: number, act: () => void) => {
      const wait = context.getRemainingTimeInMillis() - leftMs;
      if (wait > 0) timers.push(setTimeout(act, wait));
    };
    const brokenOff = new AbortController();
    if (finish.hurry) before(HURRY_MS, () => void finish.hurry?.().catch(() => {}));
    before(BREAK_OFF_MS, () => brokenOff.abort());
    try {
      await answer(app, event, output, context, brokenOff.signal);
      await finish.finished();
    } finally {
      for (const timer of timers) clearTimeout(timer);
    }
  });
}

async function answer(
  app: Hono,
  event: LambdaFunctionURLEvent,
  output: awslambda.HttpResponseStream,
  context: LambdaContext,
  signal: AbortSignal,
): Promise<void> {
  const response = await app.fetch(toRequest(event), { event, context });
  const { "set-cookie": _, ...headers } = Object.fromEntries(response.headers);
  const prelude = { statusCode: response.status, headers, cookies: response.headers.getSetCookie() };
  const stream = awslambda.HttpResponseStream.from(output, prelude);
  if (response.body) await pipeline(Readable.fromWeb(response.body as never), stream, { signal });
  else {
    // Without a byte the prelude is not sent.
    stream.write("");
    stream.end();
  }
}

function toRequest(event: LambdaFunctionURLEvent): Request {
  const { domainName, http } = event.requestContext;
  const query = event.rawQueryString ? `?${event.rawQueryString}` : "";
  const headers = new Headers();
  for (const [name, value] of Object.entries(event.headers)) if (value !== undefined) headers.set(name, asBytes(value));
  if (event.cookies?.length) headers.set("Cookie", asBytes(event.cookies.join("; ")));
  const body =
    event.body === undefined ? undefined : Buffer.from(event.body, event.isBase64Encoded ? "base64" : "utf8");
  const hasBody = body !== undefined && !["GET", "HEAD"].includes(http.method);
  return new Request(`https://${domainName}${event.rawPath}${query}`, {
    method: http.method,
    headers,
    ...(hasBody && { body: new Uint8Array(body) }),
  });
}

/** A header as its bytes, as Node.js' own server has it: a character above U+00FF makes `Headers` throw. */
const asBytes = (value: string): string =>
  Buffer.from(value, "latin1").toString("latin1") === value ? value : Buffer.from(value).toString("latin1");
