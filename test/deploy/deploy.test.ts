/** `npm run deploy`: each thing that may be missing is named with what mends it, before anything is created; no secret is said. */
import { cpSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listen, shut } from "../sst/loopback.ts";
import { openProject } from "../sst/program.ts";
import { isLong } from "../support/runner/size.ts";
import { isSstInstalled } from "../support/stores/found.ts";
import { behindGateway } from "../support/stores/redis.ts";
import { Account, KEYS } from "./account.ts";
import { DeployProject, startScript } from "./project.ts";

const PEPPER = "a pepper of more than thirty-two characters";
const MODEL_KEY = "key-of-the-model";

let account: Account;
let project: DeployProject;
let redis: { url: string; token: string };
let secrets: Record<string, string>;
let env: Record<string, string>;
const close: (() => unknown)[] = [];

beforeEach(async () => {
  account = await Account.start();
  close.push(() => account.close());
  project = new DeployProject();
  account.onHang = () => project.lapse();
  close.push(() => project.remove());
  const gateway = await behindGateway(new EmbeddedRedis());
  close.push(() => gateway.close());
  redis = gateway;
  secrets = { Pepper: PEPPER, UpstashRedisRestUrl: redis.url, UpstashRedisRestToken: redis.token };
  env = {
    ...KEYS,
    AWS_REGION: "eu-central-1",
    AWS_ENDPOINT_URL: account.url,
    AWS_EC2_METADATA_DISABLED: "true",
    TENURE_MAIL_SENDER: "login@example.com",
    TENURE_ALARM_EMAIL: "ops@example.com",
  };
});
afterEach(async () => {
  for (const undo of close.splice(0).reverse()) await undo();
});

async function deploy(...args: string[]) {
  project.holds(secrets);
  const { code, output } = await project.run(args, env);
  for (const secret of [...Object.values(secrets), env.AWS_SECRET_ACCESS_KEY, env.UPSTASH_API_KEY].filter(Boolean))
    if (secret !== redis.url) expect(output).not.toContain(secret);
  return { code, output, lines: output.split("\n") };
}
/** The line of a check, and those that mend it. */
function said(lines: string[], name: string): string {
  const at = lines.findIndex((line) => new RegExp(`^  (ok|note|missing) +${name} `).test(line));
  const rest = lines.slice(at + 1);
  const end = rest.findIndex((line) => !line.startsWith(" ".repeat(32)));
  return at < 0 ? "" : [lines[at], ...rest.slice(0, end)].join("\n");
}
/** The short form has the first case of each check. */
const inForm = <Case extends [string, unknown, name: string, ...unknown[]]>(cases: Case[]): Case[] =>
  isLong ? cases : cases.filter(([, , name], i) => cases.findIndex((one) => one[2] === name) === i);
const isDeployed = () => project.calls.some((call) => call.startsWith("deploy"));

describe("npm run deploy", () => {
  it("deploys when nothing is missing, and asks the API until it answers", async () => {
    let asked = 0;
    const site = await listen((request, response) => {
      expect(request.url).toBe("/api/ok");
      asked += 1;
      answer(response, asked);
    });
    close.push(() => shut(site.server));
    project.deploysTo({ code: 0, url: `${site.url}/` });
    const { code, output, lines } = await deploy("--stage", "staging");
    expect(output).toContain(`It answers. Try it as a user does: npm run smoke -- --url ${site.url}`);
    expect(code).toBe(0);
    expect(asked).toBe(4);
    expect(lines.filter((line) => line.startsWith("  missing"))).toEqual([]);
    expect(project.calls).toEqual(["secret list --stage staging", "deploy --stage staging"]);
    expect(said(lines, "AWS credentials")).toContain("account 123456789012, arn:aws:iam::123456789012:user/ada");
    expect(said(lines, "Redis")).toMatch(/answers, and runs scripts/);
    expect(account.asked).toEqual([
      "sts GetCallerIdentity",
      "lambda GET /2016-08-19/account-settings",
      "ses GET /v2/email/account",
      "ses GET /v2/email/identities/login%40example.com",
      "ssm AmazonSSM.GetParameter",
    ]);
  });

  /** CloudFront is not there yet, and then the function is not. */
  function answer(response: ServerResponse, nth: number): void {
    if (nth === 1) return void response.destroy();
    if (nth === 2) return void response.writeHead(502).end("<html>");
    if (nth === 3) return void response.writeHead(200).end("<html>");
    response.writeHead(200).end('{"ok":true}');
  }

  it("only looks with --check", async () => {
    const { code, output } = await deploy("--stage", "staging", "--check");
    expect(output).toContain("Nothing is missing");
    expect(code).toBe(0);
    expect(isDeployed()).toBe(false);
  });

  const withDomain = { TENURE_DOMAIN: "app.example.com", TENURE_MAIL_SENDER: "" };
  const missing: [what: string, change: () => unknown, name: string, line: RegExp, mend: RegExp][] = [
    ["no region", () => delete env.AWS_REGION, "AWS region", /is not set/, /export AWS_REGION=/],
    ["no credentials", () => delete env.AWS_ACCESS_KEY_ID, "AWS credentials", /were not found/, /aws sso login/],
    [
      "credentials of nobody",
      () => (account.accessKey = "AKIAOTHER"),
      "AWS credentials",
      /are not taken: STS answered 403 InvalidClientTokenId/,
      /aws sso login/,
    ],
    [
      "AWS that hangs",
      () => account.hanging.add("sts"),
      "AWS credentials",
      /STS did not answer within/,
      /aws sso login/,
    ],
    ["no platform", () => project.removePlatform(), "SST's platform", /is not installed/, /npx sst install/],
    ["no sender", () => delete env.TENURE_MAIL_SENDER, "mail sender", /is not set/, /export TENURE_MAIL_SENDER=/],
    [
      "an empty sender",
      () => (env.TENURE_MAIL_SENDER = " "),
      "mail sender",
      /is not set/,
      /export TENURE_MAIL_SENDER=/,
    ],
    [
      "a sender that is none",
      () => (env.TENURE_MAIL_SENDER = "login"),
      "mail sender",
      /no address and no domain/,
      /export/,
    ],
    [
      "mail that AWS has stopped",
      () => (account.mail = { SendingEnabled: false }),
      "SES account",
      /may not send/,
      /Reputation/,
    ],
    [
      "an identity that another stage owns, and that is not there",
      () => (account.identities = {}),
      "SES identity",
      /login@example.com is not there/,
      /--stage production\n.*create-email-identity --email-identity login@example.com --region eu-central-1\n.*TENURE_MAIL_IDENTITY=create/,
    ],
    [
      "a domain that is in no zone",
      () => Object.assign(env, withDomain),
      "domain",
      /staging.app.example.com is in no zone/,
      /create-hosted-zone --name app.example.com.*\n.*TENURE_DOMAIN_CERT/,
    ],
    [
      "a certificate of another region",
      () =>
        Object.assign(env, withDomain, { TENURE_DOMAIN_CERT: "arn:aws:acm:eu-central-1:123456789012:certificate/1" }),
      "domain",
      /not the ARN of a certificate in us-east-1/,
      /aws acm list-certificates --region us-east-1/,
    ],
    [
      "no pepper of its own",
      () => (secrets = {}),
      "Pepper",
      /is not set/,
      /sst secret set Pepper .*openssl rand.* --stage staging/,
    ],
    [
      "a short pepper",
      () => (secrets.Pepper = "short"),
      "Pepper",
      /has 5 characters, and needs 32/,
      /sst secret set Pepper/,
    ],
    [
      "no URL of Redis",
      () => delete secrets.UpstashRedisRestUrl,
      "UpstashRedisRestUrl",
      /is not set/,
      /sst secret set UpstashRedisRestUrl https:/,
    ],
    [
      "no token of Redis",
      () => delete secrets.UpstashRedisRestToken,
      "UpstashRedisRestToken",
      /is not set/,
      /sst secret set UpstashRedisRestToken/,
    ],
    [
      "the URL of another protocol",
      () => (secrets.UpstashRedisRestUrl = "redis://default:password@x.upstash.io:6379"),
      "Redis",
      /it is the REST URL/,
      /sst secret set UpstashRedisRestUrl/,
    ],
    [
      "a URL in the clear",
      () => (secrets.UpstashRedisRestUrl = "http://x.upstash.io"),
      "Redis",
      /in the clear/,
      /sst secret set UpstashRedisRestUrl/,
    ],
    ["Redis that is away", () => redisAway(), "Redis", /does not answer \(ECONNREFUSED\)/, /set UpstashRedisRestUrl/],
    [
      "Redis that hangs",
      () => redisOf(() => project.lapse()),
      "Redis",
      /does not answer \(TimeoutError\)/,
      /set UpstashRedisRestUrl/,
    ],
    [
      "something else than Redis",
      () => redisOf((_, response) => response.end("<html>")),
      "Redis",
      /does not answer PING as Upstash does \(200\)/,
      /set UpstashRedisRestUrl/,
    ],
    [
      "a token of another database",
      () => (secrets.UpstashRedisRestToken = "another-token"),
      "Redis",
      /does not take the token \(401\)/,
      /set UpstashRedisRestToken/,
    ],
    [
      "a token that only reads",
      () =>
        redisOf((command, response) =>
          response.end(JSON.stringify(command[0] === "PING" ? { result: "PONG" } : { error: "NOPERM" })),
        ),
      "Redis",
      /runs no script for this token/,
      /set UpstashRedisRestToken/,
    ],
    [
      "no account at Upstash, where SST is to make the database",
      () => Object.assign(env, { TENURE_UPSTASH: "1", UPSTASH_EMAIL: "ada@example.com" }),
      "Redis",
      /UPSTASH_API_KEY is not set/,
      /export UPSTASH_API_KEY=/,
    ],
    [
      "a model that is none",
      () => (env.TENURE_MODEL = "gpt"),
      "model",
      /not provider:model/,
      /export TENURE_MODEL=openai:/,
    ],
    [
      "no key of the model",
      () => (env.TENURE_MODEL = "openai:gpt-5-mini"),
      "ModelApiKey",
      /is not set, and TENURE_MODEL is/,
      /sst secret set ModelApiKey/,
    ],
    [
      "no keys for checkpoints",
      () => (env.TENURE_ENCRYPTION = "1"),
      "CheckpointKeys",
      /is not set, and TENURE_ENCRYPTION is/,
      /sst secret set CheckpointKeys/,
    ],
    [
      "an account in which SST was never used",
      () => (account.isSstKnown = false),
      "Pepper",
      /is not set/,
      /sst secret set Pepper/,
    ],
  ];

  async function redisAway(): Promise<void> {
    const gone = await listen(() => {});
    await shut(gone.server);
    secrets.UpstashRedisRestUrl = gone.url;
  }
  async function redisOf(serve: (command: string[], response: ServerResponse) => unknown): Promise<void> {
    const stub = await listen((request, response) => {
      request.once("data", (body) => serve(JSON.parse(String(body)) as string[], response));
    });
    close.push(() => shut(stub.server));
    secrets.UpstashRedisRestUrl = stub.url;
  }

  it.each(inForm(missing))(
    "creates nothing with %s, and says what mends it",
    async (_what, change, name, line, mend) => {
      await change();
      const { code, output, lines } = await deploy("--stage", "staging");
      const found = said(lines, name);
      expect(found, output).toMatch(/^ {2}missing/);
      expect(found).toMatch(line);
      expect(found).toMatch(mend);
      expect(output).toContain("nothing was created");
      expect(code).toBe(1);
      expect(isDeployed()).toBe(false);
    },
  );

  it("lists nothing by sst in an account that it does not know, where listing would make its bucket", async () => {
    account.isSstKnown = false;
    await deploy("--stage", "staging", "--check");
    expect(project.calls).toEqual([]);
  });

  const notes: [what: string, change: () => unknown, name: string, line: RegExp][] = [
    ["a small quota", () => (account.concurrency = 10), "Lambda quota", /10 executions at once.*\n.*L-B99A9384/],
    ["a quota that it may not read", () => account.denied.add("lambda"), "Lambda quota", /403 AccessDeniedException/],
    ["a quota that hangs", () => account.hanging.add("lambda"), "Lambda quota", /LAMBDA did not answer within/],
    [
      "SES' sandbox",
      () => (account.mail = { ProductionAccessEnabled: false, SendingEnabled: true }),
      "SES account",
      /is in the sandbox.*\n.*put-account-details --production-access-enabled/,
    ],
    [
      "a sender that is not confirmed",
      () => (account.identities = { "login@example.com": { VerificationStatus: "PENDING" } }),
      "SES identity",
      /is not confirmed yet \(PENDING\)\n.*open the mail/,
    ],
    ["SES that it may not read", () => account.denied.add("ses"), "SES identity", /SESV2 answered 403 AccessDenied/],
    ["no model", () => {}, "model", /the offline rules answer/],
    ["nobody for alarms", () => delete env.TENURE_ALARM_EMAIL, "alarms", /go to nobody/],
  ];
  it.each(inForm(notes))("deploys with %s, and tells of it", async (_what, change, name, line) => {
    await change();
    const { code, output, lines } = await deploy("--stage", "staging", "--check");
    expect(said(lines, name), output).toMatch(/^ {2}note/);
    expect(said(lines, name)).toMatch(line);
    expect(code).toBe(0);
  });

  it("knows who owns a sender, and where a domain is", async () => {
    Object.assign(env, withDomain);
    account.zones = ["example.com"];
    const { code, lines } = await deploy("--stage", "production", "--check");
    expect(said(lines, "domain")).toMatch(/ok .*app.example.com, in Route 53's zone example.com/);
    expect(said(lines, "mail sender")).toMatch(/app.example.com/);
    expect(said(lines, "SES identity")).toMatch(/ok .*is made by this deployment/);
    expect(code).toBe(0);
    env.TENURE_DOMAIN_CERT = "arn:aws:acm:us-east-1:123456789012:certificate/1";
    account.zones = [];
    expect(said((await deploy("--stage", "staging", "--check")).lines, "domain")).toMatch(/ok .*with a certificate/);
    Object.assign(secrets, { ModelApiKey: MODEL_KEY });
    env.TENURE_MODEL = "openai:gpt-5-mini";
    expect(said((await deploy("--stage", "staging", "--check")).lines, "ModelApiKey")).toMatch(/ok /);
  });

  it("tells a deployment that failed from one that does not answer", async () => {
    project.deploysTo({ code: 7 });
    const failed = await deploy("--stage", "staging");
    expect([failed.code, failed.output]).toEqual([3, expect.stringContaining("sst deploy ended with 7")]);
    project.deploysTo({ code: 0 });
    const nameless = await deploy("--stage", "staging");
    expect([nameless.code, nameless.output]).toEqual([3, expect.stringContaining("named no url")]);
    const hanging = await listen(() => project.lapse());
    close.push(() => shut(hanging.server));
    project.deploysTo({ code: 0, url: hanging.url });
    const silent = await deploy("--stage", "staging", "--wait", "0");
    expect([silent.code, silent.output]).toEqual([4, expect.stringMatching(/not answered within 0 s: TimeoutError/)]);
  });

  it.each([
    [[], "--stage is missing"],
    [["--stage", "../x"], "--stage takes letters"],
    [["--stage", "x", "--wait", "long"], "--wait must be"],
    [["--stage", "x", "--nothing"], "'--nothing'"],
  ])("refuses %j", async (args, problem) => {
    const { code, output } = await deploy(...args);
    expect(output).toContain(problem);
    expect(output).toContain("--check ");
    expect(code).toBe(2);
    expect(account.asked).toEqual([]);
  });

  it("explains itself", async () => {
    const { code, output } = await deploy("--help");
    expect(output).toMatch(/^npm run deploy -- --stage/);
    expect(code).toBe(0);
  });

  it.runIf(isLong && isSstInstalled)(
    "has the real sst list the secrets, deploy, and say where",
    async () => {
      const real = await openProject({});
      close.push(() => real.close());
      await real.setSecrets("ada", secrets);
      cpSync(fileURLToPath(new URL("../../scripts", import.meta.url)), join(real.folder, "scripts"), {
        recursive: true,
      });
      account.accessKey = real.env.AWS_ACCESS_KEY_ID as string;
      const { code, output } = await startScript(join(real.folder, "scripts/deploy.mjs"), ["--stage", "ada"], {
        ...(real.env as Record<string, string>),
        TENURE_SST_MANIFEST: join(real.folder, "manifest.json"),
        AWS_ENDPOINT_URL_LAMBDA: account.url,
        AWS_ENDPOINT_URL_SESV2: account.url,
        NODE_OPTIONS: `--import=${SITE_ANSWERS}`,
      }).outcome;
      expect(output).toContain(`Pepper               ${PEPPER.length} characters`);
      expect(output).toContain("answers, and runs scripts");
      expect(output).toMatch(/It answers\. .* npm run smoke -- --url https:\/\/\w+\.cloudfront\.net/);
      for (const secret of [PEPPER, redis.token]) expect(output).not.toContain(secret);
      expect(code).toBe(0);
    },
    240_000,
  );
});

/** For a process that is to find the deployed site, which is nowhere. */
const SITE_ANSWERS = `data:text/javascript,${encodeURIComponent(`
  const real = fetch;
  globalThis.fetch = (address, ...rest) =>
    /^https:.*[.]cloudfront[.]net.api.ok$/.test(address) ? Promise.resolve(Response.json({ ok: true })) : real(address, ...rest);
`)}`;
