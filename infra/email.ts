/**
 * Login codes by Amazon SES: from the site's domain, or from an address that is confirmed by hand. An identity is unique in an
 * account and region, so it has one owner, and the other stages look it up: docs/decisions/014-one-mail-identity.md.
 */
import { domain, isDnsElsewhere, productionDomain } from "./domain";
import { sendingAs } from "./permission";
import { choice, setting } from "./setting";
import { isProduction, isShared } from "./stage";

const sender = setting("TENURE_MAIL_SENDER") ?? domain ?? productionDomain;
if (!sender && !$dev)
  throw new Error(
    "No sender for login codes: set TENURE_MAIL_SENDER to an address or a domain of yours, or TENURE_DOMAIN.",
  );

const isOwner =
  (choice("TENURE_MAIL_IDENTITY", ["create", "existing"]) ??
    (isProduction || sender === domain ? "create" : "existing")) === "create";

if (sender && isOwner && isDnsElsewhere && !sender.includes("@"))
  throw new Error(
    `${sender} cannot be confirmed by SST, which makes entries in Route 53 only: confirm it in the SES console and set ` +
      "TENURE_MAIL_IDENTITY=existing, or set TENURE_MAIL_SENDER to an address.",
  );

const sending = !sender ? undefined : isOwner ? owned(sender) : await existing(sender);

/** Under `sst dev` no mail is sent when there is no sender: the function prints the codes (lambda/mail.ts). */
export const mail = sending ?? new sst.Linkable("Mail", { properties: { codesToLog: true } });

function owned(identity: string) {
  return new sst.aws.Email("Mail", {
    sender: identity,
    // Other stages send by this identity too, and of itself SST keeps only production's tables and buckets.
    transform: {
      identity: (_, options) => {
        options.retainOnDelete = isProduction;
        return undefined;
      },
    },
  });
}

/** Looks an identity up. Nothing of it is in this stage's state, so nothing of it is removed with the stage. */
async function existing(emailIdentity: string) {
  await aws.sesv2.getEmailIdentity({ emailIdentity }).catch((error: unknown) => {
    throw new Error(
      `SES has no identity ${emailIdentity} in this account and region, which production would make: deploy production first, ` +
        `confirm ${emailIdentity} in the SES console, or set TENURE_MAIL_IDENTITY=create for this stage to own it. (${error})`,
    );
  });
  const { configurationSetName } = new aws.sesv2.ConfigurationSet("MailConfig", {
    configurationSetName: `${$app.name}-${$app.stage}-mail`.toLowerCase(),
  });
  return new sst.Linkable("Mail", sendingAs(emailIdentity, configurationSetName));
}

/** Bounces and complaints go to the address that is told of alarms: SES takes sending away from senders who do not look. */
if (isShared && sending) {
  const topic = new aws.sns.Topic("MailFeedback");
  const policy = new aws.sns.TopicPolicy("MailFeedbackPolicy", {
    arn: topic.arn,
    policy: $jsonStringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { Service: "ses.amazonaws.com" },
          Action: "sns:Publish",
          Resource: topic.arn,
          Condition: { StringEquals: { "AWS:SourceAccount": aws.getCallerIdentityOutput().accountId } },
        },
      ],
    }),
  });
  const endpoint = setting("TENURE_ALARM_EMAIL");
  if (endpoint) new aws.sns.TopicSubscription("MailFeedbackMail", { topic: topic.arn, protocol: "email", endpoint });
  new aws.sesv2.ConfigurationSetEventDestination("MailFeedbackEvents", {
    configurationSetName: sending instanceof sst.aws.Email ? sending.configSet : sending.properties.configurationSet,
    eventDestinationName: "feedback",
    eventDestination: {
      enabled: true,
      matchingEventTypes: ["BOUNCE", "COMPLAINT", "REJECT"],
      // SES asks at once whether it may publish: the policy has to be there before.
      snsDestination: { topicArn: policy.arn },
    },
  });
}
