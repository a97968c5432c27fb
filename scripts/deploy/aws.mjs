/**
 * The few questions to AWS, by signed requests that only read. Credentials and the region are found as the AWS SDKs find them,
 * and as `sst` does: environment, profile, SSO, role. Endpoints can be replaced by AWS_ENDPOINT_URL and
 * AWS_ENDPOINT_URL_<SERVICE>, as with the SDKs.
 */
import { createRequire } from "node:module";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

// The functions' own signer.
const { AwsClient } = createRequire(new URL("../../packages/functions/package.json", import.meta.url))("aws4fetch");

const DEADLINE_MS = 10_000;
/** The SDKs call version 2 of SES by a name of its own, and sign for the old one. */
const SES = { service: "ses", endpoint: "sesv2", subdomain: "email" };

/** An answer that is none, in words; `status` and AWS' own name of the error when there was one. */
export class AwsError extends Error {
  constructor(message, { status, kind } = {}) {
    super(message);
    Object.assign(this, { status, kind });
  }
}

async function inTime(work, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new AwsError(`${what} did not answer within ${DEADLINE_MS / 1000} s`)),
      DEADLINE_MS,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Undefined when none is set. */
export async function findRegion() {
  return inTime(new DynamoDBClient({}).config.region(), "the AWS configuration").catch(() => undefined);
}

/** Throws, in the SDK's words, when there are none. */
export function findCredentials() {
  return inTime(new DynamoDBClient({ region: "us-east-1" }).config.credentials(), "the source of AWS credentials");
}

export class Aws {
  constructor({ credentials, region, env }) {
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    this.client = new AwsClient({ accessKeyId, secretAccessKey, sessionToken, retries: 0 });
    this.region = region;
    this.env = env;
  }

  /** Resolves to the caller, as `{account, arn}`. */
  async identity() {
    const text = await this.send({
      service: "sts",
      path: "/",
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: "Action=GetCallerIdentity&Version=2011-06-15",
    });
    const of = (tag) => new RegExp(`<${tag}>([^<]+)</${tag}>`).exec(text)?.[1];
    return { account: of("Account"), arn: of("Arn") };
  }

  /** https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html */
  async concurrency() {
    const { AccountLimit } = await this.json({ service: "lambda", path: "/2016-08-19/account-settings" });
    return AccountLimit.ConcurrentExecutions;
  }

  /** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html */
  mailAccount() {
    return this.json({ ...SES, path: "/v2/email/account" });
  }

  /** Undefined when there is none. https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentity.html */
  async mailIdentity(name) {
    return this.json({ ...SES, path: `/v2/email/identities/${encodeURIComponent(name)}` }).catch((error) => {
      if (error.status === 404) return undefined;
      throw error;
    });
  }

  /** True once `sst` has been used in this account and region: it makes its bucket the first time, whatever is asked of it. */
  async isSstKnown() {
    const request = {
      service: "ssm",
      path: "/",
      headers: { "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.GetParameter" },
      body: JSON.stringify({ Name: "/sst/bootstrap" }),
    };
    return this.send(request).then(
      () => true,
      (error) => {
        if (error.kind === "ParameterNotFound") return false;
        throw error;
      },
    );
  }

  /** The names of the account's public zones that come at or after `name`, in Route 53's order. */
  async zones(name) {
    const text = await this.send({
      service: "route53",
      region: "us-east-1",
      host: "route53.amazonaws.com",
      path: `/2013-04-01/hostedzonesbyname?dnsname=${encodeURIComponent(name)}&maxitems=1`,
    });
    return [...text.matchAll(/<HostedZone>.*?<Name>([^<]+?)\.?<\/Name>/gs)].map(([, zone]) => zone);
  }

  async json(request) {
    return JSON.parse(await this.send(request));
  }

  /** Resolves to the text of a good answer. */
  async send({
    service,
    path,
    body,
    headers = {},
    region = this.region,
    host,
    subdomain = service,
    endpoint = service,
  }) {
    const { env } = this;
    const name = endpoint.toUpperCase();
    const own = `https://${host ?? `${subdomain}.${region}.amazonaws.com`}`;
    const address = env[`AWS_ENDPOINT_URL_${name}`] || env.AWS_ENDPOINT_URL || own;
    const response = await this.client
      .fetch(address.replace(/\/$/, "") + path, {
        method: body === undefined ? "GET" : "POST",
        headers,
        ...(body !== undefined && { body }),
        aws: { service, region },
        signal: AbortSignal.timeout(DEADLINE_MS),
      })
      .catch((error) => {
        const why =
          error.name === "TimeoutError" ? `within ${DEADLINE_MS / 1000} s` : `(${error.cause?.code ?? error.name})`;
        throw new AwsError(`${name} did not answer ${why}`);
      });
    const text = await response.text();
    if (response.ok) return text;
    // The name of the error, and nothing else of the answer.
    const kind = (
      response.headers.get("x-amzn-errortype") ??
      /"__type": ?"([^"]+)"/.exec(text)?.[1] ??
      /<Code>([^<]+)<\/Code>/.exec(text)?.[1] ??
      ""
    ).replace(/^.*#|:.*$/g, "");
    throw new AwsError(`${name} answered ${response.status}${kind && ` ${kind}`}`, { status: response.status, kind });
  }
}
