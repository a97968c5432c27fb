/** An AWS account as `npm run deploy` sees it: who asks, quotas, SES, Route 53, and whether SST has been here. It takes reads only. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { listen, readAll, shut } from "../sst/loopback.ts";

export const KEYS = { AWS_ACCESS_KEY_ID: "AKIATEST", AWS_SECRET_ACCESS_KEY: "secret-of-the-account" };

type Service = "sts" | "lambda" | "ses" | "ssm" | "route53";

export class Account {
  accessKey = KEYS.AWS_ACCESS_KEY_ID;
  concurrency = 1000;
  mail: object = { ProductionAccessEnabled: true, SendingEnabled: true, SendQuota: { Max24HourSend: 50_000 } };
  identities: Record<string, object> = { "login@example.com": { VerifiedForSendingStatus: true } };
  zones: string[] = [];
  isSstKnown = true;
  /** Services that take a request and never answer; `onHang` is called for each such request. */
  readonly hanging = new Set<Service>();
  onHang = (): void => {};
  /** Services that a role may not ask. */
  readonly denied = new Set<Service>();
  /** The calls so far, as `service action`. */
  readonly asked: string[] = [];
  readonly url: string;
  private readonly server: Server;

  static async start(): Promise<Account> {
    let account: Account | undefined;
    const { url, server } = await listen((request, response) => void account?.serve(request, response));
    account = new Account(url, server);
    return account;
  }

  private constructor(url: string, server: Server) {
    this.url = url;
    this.server = server;
  }

  close(): Promise<void> {
    return shut(this.server);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await readAll(request)).toString();
    const signed = /^AWS4-HMAC-SHA256 Credential=(\w+)\/\d+\/[\w-]+\/(\w+)\/aws4_request/.exec(
      request.headers.authorization ?? "",
    );
    const [, key, service] = signed ?? [];
    const target = String(request.headers["x-amz-target"] ?? "");
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://aws");
    this.asked.push(`${service} ${/Action=(\w+)/.exec(body)?.[1] ?? (target || `${request.method} ${pathname}`)}`);
    const json = (status: number, value: object) => response.writeHead(status).end(JSON.stringify(value));
    if (this.hanging.has(service as Service)) return this.onHang();
    if (key !== this.accessKey)
      return void response
        .writeHead(403)
        .end("<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>");
    if (this.denied.has(service as Service)) {
      response.setHeader("x-amzn-errortype", "AccessDeniedException:http://internal.amazon.com/");
      return void json(403, { message: `not authorized, ${KEYS.AWS_SECRET_ACCESS_KEY}` });
    }
    if (service === "sts" && body.startsWith("Action=GetCallerIdentity"))
      return void response.end(
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ada</Arn><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
      );
    if (service === "ssm" && target === "AmazonSSM.GetParameter") {
      if (!this.isSstKnown) return void json(400, { __type: "com.amazonaws.ssm#ParameterNotFound" });
      return void json(200, { Parameter: { Value: "{}" } });
    }
    if (request.method !== "GET") return void json(400, { __type: "this stand-in only takes reads" });
    if (service === "lambda" && pathname === "/2016-08-19/account-settings")
      return void json(200, { AccountLimit: { ConcurrentExecutions: this.concurrency } });
    if (service === "ses" && pathname === "/v2/email/account") return void json(200, this.mail);
    const [, name = ""] = /^\/v2\/email\/identities\/(.+)$/.exec(pathname) ?? [];
    const identity = this.identities[decodeURIComponent(name)];
    if (service === "ses" && identity) return void json(200, identity);
    if (service === "route53") {
      const wanted = searchParams.get("dnsname") ?? "";
      const found = this.zones
        .filter((zone) => zone === wanted)
        .map((zone) => `<HostedZone><Name>${zone}.</Name></HostedZone>`);
      return void response.end(`<ListHostedZonesByNameResponse>${found.join("")}</ListHostedZonesByNameResponse>`);
    }
    return void json(404, { __type: "NotFoundException" });
  }
}
