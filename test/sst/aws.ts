/** As much of AWS as the `sst` command line talks to itself: parameters, a bucket for state and assets, who one is. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { listen, readAll, shut } from "./loopback.ts";

const ACCOUNT = "123456789012";
/** The record that `sst` leaves the first time it sees an account; a version above its own keeps it from changing anything. */
const BOOTSTRAP = {
  version: 99,
  asset: "sst-asset-test",
  state: "sst-state-test",
  assetEcrRegistryId: ACCOUNT,
  assetEcrUrl: `${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/sst-asset`,
};

export interface SimulatedAws {
  url: string;
  close(): Promise<void>;
}

export async function startAws(): Promise<SimulatedAws> {
  const parameters = new Map([["/sst/bootstrap", JSON.stringify(BOOTSTRAP)]]);
  const objects = new Map<string, { body: Buffer; encoding: string | undefined }>();
  const { url, server } = await listen((request, response) => {
    void readAll(request).then((body) => {
      const target = request.headers["x-amz-target"];
      if (typeof target === "string") answerParameters(response, target, body, parameters);
      else answerRest(request, response, body, objects);
    });
  });
  return { url, close: () => shut(server) };
}

function answerParameters(
  response: ServerResponse,
  target: string,
  body: Buffer,
  parameters: Map<string, string>,
): unknown {
  const { Name, Value } = JSON.parse(body.toString()) as { Name: string; Value?: string };
  const answer = (status: number, value: object) =>
    response.writeHead(status, { "Content-Type": "application/x-amz-json-1.1" }).end(JSON.stringify(value));
  const found = parameters.get(Name);
  switch (target) {
    case "AmazonSSM.GetParameter":
      if (found === undefined) return answer(400, { __type: "ParameterNotFound", message: Name });
      return answer(200, { Parameter: { Name, Value: found, Type: "String", Version: 1 } });
    case "AmazonSSM.PutParameter":
      parameters.set(Name, Value ?? "");
      return answer(200, { Version: 1 });
    case "AmazonSSM.DeleteParameter":
      parameters.delete(Name);
      return answer(200, {});
    default:
      return answer(400, { __type: "UnknownOperationException", message: target });
  }
}

function answerRest(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  objects: Map<string, { body: Buffer; encoding: string | undefined }>,
): unknown {
  const url = new URL(request.url ?? "/", "http://aws");
  const key = decodeURIComponent(url.pathname);
  const xml = (status: number, text: string) =>
    response.writeHead(status, { "Content-Type": "application/xml" }).end(text);
  if (key.startsWith("/v2/apis")) return answerEvents(response, key);
  if (body.includes("Action=GetCallerIdentity"))
    return xml(
      200,
      `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::${ACCOUNT}:user/test</Arn><UserId>test</UserId><Account>${ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
    );
  const encoding = request.headers["content-encoding"];
  switch (request.method) {
    case "PUT": {
      const isChunked = encoding?.includes("aws-chunked") ?? false;
      const rest = encoding
        ?.split(",")
        .filter((one) => one.trim() !== "aws-chunked")
        .join(",");
      objects.set(key, { body: isChunked ? dechunked(body) : body, encoding: rest || undefined });
      return response.writeHead(200, { ETag: '"1"' }).end();
    }
    case "GET":
    case "HEAD": {
      if (url.searchParams.has("list-type"))
        return xml(200, "<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>");
      const found = objects.get(key);
      if (!found) return xml(404, "<Error><Code>NoSuchKey</Code></Error>");
      const headers = {
        ETag: '"1"',
        "Content-Length": found.body.length,
        ...(found.encoding && { "Content-Encoding": found.encoding }),
      };
      return response.writeHead(200, headers).end(request.method === "GET" ? found.body : undefined);
    }
    case "DELETE":
      objects.delete(key);
      return response.writeHead(204).end();
    default:
      return xml(400, "<Error><Code>NotImplemented</Code></Error>");
  }
}

/** AppSync Events, by which `sst dev` would forward calls of functions. */
function answerEvents(response: ServerResponse, key: string): unknown {
  const dns = {
    HTTP: "test.appsync-api.us-east-1.amazonaws.com",
    REALTIME: "test.appsync-realtime-api.us-east-1.amazonaws.com",
  };
  const api = { apiId: "sst", name: "sst", dns };
  return response
    .writeHead(200, { "Content-Type": "application/json" })
    .end(JSON.stringify(key === "/v2/apis" ? { apis: [api] } : { api }));
}

/** Chunks as AWS' SDKs send them: a length in hexadecimal and maybe a signature, a line's end, the bytes, a line's end. */
function dechunked(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const eol = body.indexOf("\r\n", at);
    const length = Number.parseInt(body.toString("latin1", at, eol), 16);
    if (!length) break;
    parts.push(body.subarray(eol + 2, eol + 2 + length));
    at = eol + 2 + length + 2;
  }
  return Buffer.concat(parts);
}
