/** Signs requests to AWS (Signature Version 4), with a key that is derived once for a day, a region and a secret. */
import { createHmac, createSecretKey, hash, type KeyObject } from "node:crypto";

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

interface Unsigned {
  /** By their names in lower case, `host` among them. */
  headers: Record<string, string>;
  path: string;
  body: string;
  /** `YYYYMMDDTHHMMSSZ`. */
  date: string;
  region: string;
  service: string;
  credentials: Credentials;
}

const hmac = (key: string | Buffer | KeyObject, text: string): Buffer =>
  createHmac("sha256", key).update(text).digest();
const sha256 = (text: string): string => hash("sha256", text);

/**
 * Makes a signer of POST requests without a query. It returns the headers with those of the signature; all of them are signed.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function createSigner(): (request: Unsigned) => Record<string, string> {
  // As an object: Node.js 24 takes seven times as long with a key of bytes.
  let known: { of: string; key: KeyObject } | undefined;
  return ({ headers, path, body, date, region, service, credentials }) => {
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    const all: Record<string, string> = {
      ...headers,
      "x-amz-date": date,
      ...(sessionToken && { "x-amz-security-token": sessionToken }),
    };
    const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`;
    const of = `${scope} ${secretAccessKey}`;
    if (known?.of !== of) {
      const key = scope.split("/").reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
      known = { of, key: createSecretKey(key as Buffer) };
    }
    const names = Object.keys(all).sort();
    const signed = names.join(";");
    const lines = names.map((name) => `${name}:${all[name]}\n`).join("");
    const canonical = sha256(`POST\n${path}\n\n${lines}\n${signed}\n${sha256(body)}`);
    const signature = hmac(known.key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${canonical}`).toString("hex");
    all.authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
    return all;
  };
}
