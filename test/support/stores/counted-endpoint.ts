/** A DynamoDB behind a proxy that counts what is asked of it, and refuses when a test says so. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type dynamoEngines, openTable, type TestTable } from "./dynamo.ts";

type Engine = (typeof dynamoEngines)[number];

export interface CountedEndpoint {
  /** The same engine, behind the proxy. */
  engine: Engine;
  /** Requests by operation since the last `reset`, and the items that their answers have had. */
  calls: Record<string, number>;
  items: number;
  reset(): void;
  /** Lets so many more requests through, and answers those after them as AWS does where a right is missing. */
  refuseAfter(requests: number): void;
  close(): Promise<void>;
}

export async function countedEndpoint({ name, open }: Engine): Promise<CountedEndpoint> {
  const behind = await open();
  let left = Infinity;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const operation = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
    counted.calls[operation] = (counted.calls[operation] ?? 0) + 1;
    if (left-- <= 0) {
      response.writeHead(400, { "Content-Type": "application/x-amz-json-1.0" });
      return void response.end(JSON.stringify({ __type: "com.amazon.coral.service#AccessDeniedException" }));
    }
    const { host: _, connection: __, "content-length": ___, ...headers } = request.headers;
    const answer = await fetch(behind.endpoint, {
      ...{ method: "POST", headers: headers as Record<string, string>, body: Buffer.concat(chunks) },
    });
    const body = await answer.text();
    if (operation === "Query") counted.items += (JSON.parse(body) as { Count?: number }).Count ?? 0;
    response.writeHead(answer.status, { "Content-Type": "application/x-amz-json-1.0" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const counted: CountedEndpoint = {
    engine: { name, open: (): Promise<TestTable> => openTable(endpoint) },
    calls: {},
    items: 0,
    reset() {
      this.calls = {};
      this.items = 0;
      left = Infinity;
    },
    refuseAfter(requests) {
      left = requests;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await behind.close();
    },
  };
  return counted;
}
