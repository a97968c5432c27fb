/** DynamoDB behind a network and a service that fail now and then, as a seed decides. */
import { createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import type { AddressInfo } from "node:net";

export interface Weather {
  /** The percentage of requests that meet each of these faults. */
  throttled?: number;
  serverError?: number;
  /** The connection breaks before DynamoDB has the request, or after it has carried it out. */
  lostRequest?: number;
  lostReply?: number;
  /** A page with status 200 comes in the place of an answer, before DynamoDB has the request, or after. */
  garbledRequest?: number;
  garbledReply?: number;
  /** Batches of which only the first half is done. */
  unprocessed?: number;
}

export interface FaultyDynamo {
  url: string;
  /** The number of requests that have met each fault, by its name. */
  met: Record<string, number>;
  /** Changes the weather. */
  weather: Weather;
  close(): Promise<void>;
}

export async function startFaultyDynamo(endpoint: string, weather: Weather, seed = 1): Promise<FaultyDynamo> {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const faulty: FaultyDynamo = { url: "", met: {}, weather, close };

  const server = createServer(async (request, response) => {
    const body = await bodyOf(request);
    let dice = random() * 100;
    const kind = Object.entries(faulty.weather).find(([, share]) => {
      dice -= share;
      return dice < 0;
    })?.[0] as keyof Weather | undefined;
    const isBatch = request.headers["x-amz-target"]?.toString().endsWith("BatchWriteItem");
    const met = kind === "unprocessed" && !isBatch ? undefined : kind;
    if (met) faulty.met[met] = (faulty.met[met] ?? 0) + 1;
    switch (met) {
      case "throttled":
        return answer(response, 400, {
          __type: "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        });
      case "serverError":
        return answer(response, 500, { __type: "com.amazonaws.dynamodb.v20120810#InternalServerError" });
      case "lostRequest":
        return void request.socket.destroy();
      case "lostReply":
        await forward(endpoint, request, body);
        return void request.socket.destroy();
      case "garbledRequest":
        return page(response);
      case "garbledReply":
        await forward(endpoint, request, body);
        return page(response);
      case "unprocessed":
        return passHalf(endpoint, request, response, body);
      default: {
        const { status, text } = await forward(endpoint, request, body);
        response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(text);
      }
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  faulty.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return faulty;

  async function close() {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function passHalf(endpoint: string, request: IncomingMessage, response: ServerResponse, body: Buffer) {
  const { RequestItems, ...rest } = JSON.parse(body.toString()) as { RequestItems: Record<string, unknown[]> };
  const [[table, items] = ["", []]] = Object.entries(RequestItems);
  const half = Math.floor(items.length / 2);
  if (half > 0)
    await forward(
      endpoint,
      request,
      Buffer.from(JSON.stringify({ ...rest, RequestItems: { [table]: items.slice(0, half) } })),
    );
  answer(response, 200, { UnprocessedItems: { [table]: items.slice(half) } });
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(body));
}

function page(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/html" }).end("<html><body>One moment, please…</body></html>");
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function forward(
  endpoint: string,
  { headers }: IncomingMessage,
  body: Buffer,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const passed = { ...headers, "content-length": String(body.length) };
    const onward = send(endpoint, { method: "POST", headers: passed }, async (reply) =>
      resolve({ status: reply.statusCode ?? 500, text: (await bodyOf(reply)).toString() }),
    );
    onward.on("error", reject).end(body);
  });
}
