/** The two services of AWS besides DynamoDB, by signed requests: their SDK clients would double what a function loads. */
import process from "node:process";
import { withDeadline } from "@tenure/core/deadline";
import { AwsClient } from "aws4fetch";

const DEADLINE_MS = 5_000;

interface AwsRequest {
  service: "ses" | "sqs";
  region: string;
  url: string;
  headers?: Record<string, string> | undefined;
  body: unknown;
}

/** Sends JSON. Resolves when the service has taken it; throws, with the status and the beginning of the answer, else. */
export async function sendToAws({ service, region, url, headers, body }: AwsRequest): Promise<void> {
  // A function's credentials change while it lives.
  const client = new AwsClient({
    accessKeyId: process.env.AWS_ACCESS_KEY_ID ?? "",
    secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY ?? "",
    ...(process.env.AWS_SESSION_TOKEN && { sessionToken: process.env.AWS_SESSION_TOKEN }),
    service,
    region,
    retries: 2,
  });
  await withDeadline(DEADLINE_MS, async (signal) => {
    const response = await client.fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify(body),
      signal,
    });
    if (response.ok) return;
    // AWS names its errors here, and puts only a sentence into the body.
    const [name = ""] = (response.headers.get("x-amzn-errortype") ?? "").split(":");
    const words = (await response.text()).slice(0, 300);
    throw new Error(`${service} answered ${response.status}${name && ` ${name}`}: ${words}`);
  });
}
