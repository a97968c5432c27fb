/** Login codes by Amazon SES: from the site's domain, or from an address that is confirmed by hand. */
import "./permission";
import { domain } from "./stage";

const sender = process.env.TENURE_MAIL_SENDER ?? domain;
if (!sender)
  throw new Error(
    "No sender for login codes: set TENURE_MAIL_SENDER to an address or a domain of yours, or TENURE_DOMAIN.",
  );

export const mail = new sst.aws.Email("Mail", { sender });
