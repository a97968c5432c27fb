/**
 * The part of AWS that the deployed program needs, on loopback: a front door that does what the router's function says, before
 * functions that are processes (lambda.ts) with mail and a queue (services.ts). Redis and DynamoDB are the real ones where found.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { TestClock } from "../support/stores/test-clock.ts";
import { LambdaFunction } from "./lambda.ts";
import { listen, readAll, shut } from "./loopback.ts";
import type { Program, Resource } from "./program.ts";
import { viewerRequest } from "./router.ts";
import type { Services } from "./services.ts";

const END_OF_PRELUDE = Buffer.alloc(8);

export interface Cloud {
  url: string;
  functions: Record<"Auth" | "Api" | "Worker", LambdaFunction>;
  /** Moves the time of all functions; what they had set a timer for by then is done. */
  moveClock(ms: number): Promise<void>;
  /** Calls a function as its URL does, past the front door. */
  callDirectly(name: "Auth" | "Api", path: string): Promise<number>;
  close(): void;
}

export async function startCloud(program: Program, services: Services, env: Record<string, string>): Promise<Cloud> {
  const clock = new TestClock();
  const functionOf = (name: string) => {
    const resource = program.resources.find((one) => one.name === `${name}Function`) as Resource;
    return new LambdaFunction(resource, program.bundleOf(name), env, clock);
  };
  const functions = { Auth: functionOf("Auth"), Api: functionOf("Api"), Worker: functionOf("Worker") };
  services.declare(program, clock, functions.Worker);
  const route = viewerRequest(program);
  const hosts = hostsOf(program);

  const { url, server } = await listen((request, response) => {
    void forward(request, response).catch(() => response.destroy());
  });

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = "/", query = ""] = (request.url ?? "/").split("?");
    const sent = Object.entries(request.headers).map(([name, value]) => [name, { value: [value].flat().join(", ") }]);
    const {
      headers,
      origin,
      statusCode,
      body: said,
    } = await route({
      uri: path,
      method: request.method ?? "GET",
      headers: Object.fromEntries(sent),
    });
    if (statusCode) {
      const answer = Object.entries(headers).map(([header, one]) => [header, one?.value]);
      return void response.writeHead(statusCode, Object.fromEntries(answer)).end(said);
    }
    const name = hosts.get(origin?.domainName ?? "");
    if (!name) return void response.writeHead(404).end();
    const body = await readAll(request);
    const given = Object.entries(headers).map(([header, one]) => [header, one?.value]);
    await call(
      functions[name],
      eventOf(request.method ?? "GET", path, query, Object.fromEntries(given), body),
      response,
    );
  }

  return {
    url,
    functions,
    async moveClock(ms) {
      clock.move(ms);
      await Promise.all(Object.values(functions).map((one) => one.heedClock()));
      services.deliver();
    },
    async callDirectly(name, path) {
      let status = 0;
      const server = await listen(
        (_, response) => void call(functions[name], eventOf("GET", path, "", {}, Buffer.alloc(0)), response),
      );
      status = (await fetch(server.url)).status;
      await shut(server.server);
      return status;
    },
    close() {
      for (const one of Object.values(functions)) one.killAll();
      void shut(server);
    },
  };
}

/** Which function is behind which host. */
function hostsOf({ resources }: Program): Map<string, "Auth" | "Api"> {
  const hostOf = (path: string) =>
    JSON.parse(
      resources.find(({ name }) => name === `RouterRoute${path}RouteKey.sst.aws.KvKeys`)?.inputs.entries
        .metadata as string,
    ).host as string;
  return new Map([
    [hostOf("/api"), "Api"],
    [hostOf("/api/auth"), "Auth"],
  ]);
}

/** https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-request-payload */
function eventOf(
  method: string,
  rawPath: string,
  rawQueryString: string,
  headers: Record<string, string>,
  body: Buffer,
): object {
  const { cookie, ...others } = headers;
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath,
    rawQueryString,
    headers: { ...others, host: "function.lambda-url.us-east-1.on.aws" },
    ...(cookie && { cookies: cookie.split("; ") }),
    requestContext: { domainName: "function.lambda-url.us-east-1.on.aws", http: { method, path: rawPath } },
    ...(body.length > 0 && { body: body.toString("base64") }),
    isBase64Encoded: body.length > 0,
  };
}

/** The prelude becomes status and headers, the rest goes through as it comes; what breaks off here breaks off there. */
async function call(of: LambdaFunction, event: object, response: ServerResponse): Promise<void> {
  await of.invoke(event, async (request) => {
    let head = Buffer.alloc(0);
    request.once("aborted", () => response.destroy());
    for await (const chunk of request as AsyncIterable<Buffer>) {
      if (response.headersSent) {
        response.write(chunk);
        continue;
      }
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(END_OF_PRELUDE);
      if (end < 0) continue;
      const { statusCode, headers, cookies } = JSON.parse(head.subarray(0, end).toString());
      response.writeHead(statusCode, { ...headers, "Set-Cookie": cookies });
      response.write(head.subarray(end + END_OF_PRELUDE.length));
    }
    response.end();
  });
}
