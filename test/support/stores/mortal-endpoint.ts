/** A way to DynamoDB that dies at a request of one's choice: that of one process, which dies with it. */
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

export interface MortalEndpoint {
  url: string;
  /** Requests so far. */
  count: number;
  /** Dies at the nth request from now on (1 is the next), before or after it was carried out. */
  dieAt(nth: number, when: "before" | "after"): void;
  /** Nothing is sent or answered any more. */
  die(): void;
  /** Resolves when it has died. */
  dead: Promise<void>;
  close(): Promise<void>;
}

export async function mortalEndpoint(target: string, onDeath: () => void): Promise<MortalEndpoint> {
  let isDead = false;
  let last = Number.POSITIVE_INFINITY;
  let when: "before" | "after" = "before";
  let died = () => {};
  const { hostname, port } = new URL(target);
  const server = createServer();
  const endpoint: MortalEndpoint = {
    url: "",
    count: 0,
    dieAt(nth, then) {
      [last, when] = [endpoint.count + nth, then];
    },
    die() {
      isDead = true;
      onDeath();
      died();
    },
    dead: new Promise((resolve) => {
      died = resolve;
    }),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  server.on("request", (asked, answer) => {
    if (isDead) return;
    endpoint.count += 1;
    const isLast = endpoint.count >= last;
    if (isLast) endpoint.die();
    if (isLast && when === "before") return;
    const { method, url, headers } = asked;
    const onward = request({ hostname, port, method, path: url, headers }, (got) => {
      if (isLast || isDead) return void got.resume();
      answer.writeHead(got.statusCode ?? 500, got.headers);
      got.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    asked.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endpoint.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return endpoint;
}
