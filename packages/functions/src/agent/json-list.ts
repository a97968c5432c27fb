/** A JSON array as a response that is sent while it is made. */
import type { Context } from "hono";

/**
 * Answers with what a generator yields: JSON texts, each an element. The first one is waited for, so that what fails before it is
 * a problem document. When it fails later the connection breaks off, so that no client takes a part for the whole; `broken`
 * hears why. Elements are made as fast as they are read, and no faster.
 */
export async function jsonList(
  c: Context,
  texts: AsyncGenerator<string>,
  broken: (error: unknown) => void,
): Promise<Response> {
  const encoder = new TextEncoder();
  let next = await texts.next();
  let opening = "[";
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          controller.enqueue(encoder.encode(next.done ? (opening === "[" ? "[]" : "]") : opening + next.value));
          if (next.done) return controller.close();
          opening = ",";
          next = await texts.next();
        } catch (error) {
          broken(error);
          controller.error(error);
        }
      },
      async cancel() {
        await texts.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
  return c.body(body, 200, { "Content-Type": "application/json" });
}
