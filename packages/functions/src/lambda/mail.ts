/**
 * Login codes by Amazon SES, or in the terminal of `sst dev`. Source:
 * https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
 */
import process from "node:process";
import type { Clock } from "@tenure/core/clock";
import { TenureError } from "@tenure/core/errors";
import { codeSubject, codeText, type Mailer } from "../account/mailer.ts";
import { sendToAws } from "./aws.ts";

interface MailConfig {
  region: string;
  clock: Clock;
  isDev: boolean;
}

interface Sender {
  sender: string;
  /** The stage's own, which leads bounces and complaints to whoever runs it. */
  configurationSet: string;
}

/** By SES where there is a sender; else by the log, which under `sst dev` is the developer's terminal. Throws `misconfigured` elsewhere. */
export function mailerOf(to: Sender | { codesToLog: true }, { isDev, ...config }: MailConfig): Mailer {
  if ("sender" in to) return sesMailer({ ...config, ...to });
  if (isDev) return logMailer;
  const problem = "Mail has no sender: set TENURE_MAIL_SENDER and deploy again; codes are printed under `sst dev` only";
  throw new TenureError({ tag: "misconfigured", problems: [problem] });
}

const logMailer: Mailer = {
  // The local stack's words.
  sendCode: async ({ to, code }) => void process.stdout.write(`code for ${to}: ${code}\n`),
};

function sesMailer({ region, sender, configurationSet, clock }: Omit<MailConfig, "isDev"> & Sender): Mailer {
  // AWS' SDKs take an endpoint from the same name.
  const endpoint = process.env.AWS_ENDPOINT_URL_SESV2 ?? `https://email.${region}.amazonaws.com`;
  return {
    async sendCode(message) {
      const utf8 = (Data: string) => ({ Data, Charset: "UTF-8" });
      await sendToAws({
        service: "ses",
        region,
        url: `${endpoint}/v2/email/outbound-emails`,
        body: {
          FromEmailAddress: sender,
          ConfigurationSetName: configurationSet,
          Destination: { ToAddresses: [message.to] },
          Content: {
            Simple: { Subject: utf8(codeSubject(message)), Body: { Text: utf8(codeText(message, clock.now())) } },
          },
        },
      });
    },
  };
}
