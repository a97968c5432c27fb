/** Login codes by Amazon SES. Source: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html */
import process from "node:process";
import type { Clock } from "@tenure/core/clock";
import { codeSubject, codeText, type Mailer } from "../mailer.ts";
import { sendToAws } from "./aws.ts";

export interface SesConfig {
  region: string;
  sender: string;
  /** Of this stage: it leads bounces and complaints to whoever runs it. */
  configurationSet: string;
  clock: Clock;
}

export function sesMailer({ region, sender, configurationSet, clock }: SesConfig): Mailer {
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
