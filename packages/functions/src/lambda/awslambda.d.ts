/** The names that Lambda's Node.js runtime puts into the global scope. Source: its own types, which it does not publish. */
import type { Writable } from "node:stream";
import type { Context } from "aws-lambda";

declare global {
  namespace awslambda {
    type HttpResponseStream = Writable;
    const HttpResponseStream: {
      from(
        stream: Writable,
        prelude: { statusCode: number; headers: Record<string, string>; cookies: string[] },
      ): HttpResponseStream;
    };
    type StreamingHandler<Event> = (event: Event, stream: HttpResponseStream, context: Context) => Promise<void>;
    function streamifyResponse<Event>(handler: StreamingHandler<Event>): StreamingHandler<Event>;
  }
}
