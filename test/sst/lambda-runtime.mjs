/**
 * Stands in for Lambda's Node.js runtime: loads a function's bundle as Lambda does, takes events from the runtime API and
 * gives answers back to it, streamed where the handler streams. Source of the protocol:
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html and runtimes-custom.html#runtimes-custom-response-streaming
 *
 * Time is real until it is moved by a message: `Date.now` and `performance.now` are then ahead by `offsetMs`, and timers that are due by it fire.
 * Only those that were set for long are moved: the others are deadlines of requests, which took no time.
 */
import { request } from "node:http";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";
import { pathToFileURL } from "node:url";

const MOVED_FROM_MS = 11_000;

let offsetMs = Number(process.argv[2] ?? 0);
const realNow = Date.now;
Date.now = () => realNow() + offsetMs;
// Leases are judged by the time that has passed, which moves with the date.
const realElapsed = performance.now.bind(performance);
performance.now = () => realElapsed() + offsetMs;

/** Timers that may be moved, by the handle that whoever set them has. */
const movable = new Map();
const { setTimeout: setRealTimeout, clearTimeout: clearRealTimeout } = globalThis;
globalThis.setTimeout = (act, ms, ...args) => {
  const fire = () => {
    movable.delete(timer);
    act(...args);
  };
  const timer = setRealTimeout(fire, ms);
  if (ms >= MOVED_FROM_MS) movable.set(timer, { due: Date.now() + ms, fire });
  return timer;
};
globalThis.clearTimeout = (timer) => {
  movable.delete(timer);
  clearRealTimeout(timer);
};

process.on("message", (moved) => {
  offsetMs = moved.offsetMs;
  for (const [timer, { due, fire }] of [...movable]) {
    if (due > Date.now()) continue;
    clearRealTimeout(timer);
    fire();
  }
  process.send({ offsetMs });
});

const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
const STREAMING = Symbol("streaming");

globalThis.awslambda = {
  streamifyResponse: (handler) => Object.assign(handler, { [STREAMING]: true }),
  HttpResponseStream: {
    from(stream, prelude) {
      stream.begin(prelude);
      return stream;
    },
  },
};

const [file, name] = process.env._HANDLER.split(".");
const handler = (await import(pathToFileURL(join(process.env.LAMBDA_TASK_ROOT, `${file}.mjs`)).href))[name];

const post = (what, id, value) =>
  fetch(`${api}/invocation/${id}/${what}`, { method: "POST", body: JSON.stringify(value ?? null) });

for (;;) {
  const next = await fetch(`${api}/invocation/next`);
  const id = next.headers.get("Lambda-Runtime-Aws-Request-Id");
  const deadline = Number(next.headers.get("Lambda-Runtime-Deadline-Ms"));
  const context = { awsRequestId: id, getRemainingTimeInMillis: () => deadline - Date.now() };
  const event = await next.json();
  try {
    if (handler[STREAMING]) await stream(id, event, context);
    else await post("response", id, await handler(event, context));
  } catch (error) {
    await post("error", id, { errorType: error?.name, errorMessage: String(error?.message) });
  }
}

/** The status and the headers, eight zero bytes, and then the body as it comes. */
async function stream(id, event, context) {
  const output = new PassThrough();
  const answer = request(`${api}/invocation/${id}/response`, {
    method: "POST",
    headers: {
      "Lambda-Runtime-Function-Response-Mode": "streaming",
      "Transfer-Encoding": "chunked",
      "Content-Type": "application/vnd.awslambda.http-integration-response",
    },
  });
  output.begin = (prelude) => {
    answer.write(JSON.stringify(prelude));
    answer.write(Buffer.alloc(8));
    output.pipe(answer);
  };
  const answered = new Promise((resolve) => {
    answer.once("response", (response) => response.resume().once("end", resolve));
    answer.once("error", resolve);
  });
  output.once("error", () => answer.destroy());
  await handler(event, output, context);
  await finished(output, { readable: false });
  await answered;
}
