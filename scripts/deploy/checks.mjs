/**
 * The needs of a deployment, one check after the other. Each yields `{level, name, what, mend}`: `ok`, `note` for what does not
 * keep anybody from deploying, or `missing`; `mend` is the command, or the lines, that mend it. None names the value of a secret.
 */
import { Aws, findCredentials, findRegion } from "./aws.mjs";
import { pingRedis } from "./redis.mjs";
import { readSecrets } from "./secrets.mjs";
import { isInstalled, isPlatformInstalled } from "./sst.mjs";

const MIN_PEPPER = 32;
/** Below it, some dozens of users who watch their runs are refused. */
const ENOUGH_CONCURRENCY = 200;

const ok = (name, what) => ({ level: "ok", name, what });
const note = (name, what, mend) => ({ level: "note", name, what, mend });
const missing = (name, what, mend) => ({ level: "missing", name, what, mend });

/** Empty is not set, as in infra/. */
const setting = (env, name) => env[name]?.trim() || undefined;
const isOn = (env, name) => setting(env, name) === "1";

export async function* checkAll({ stage, env }) {
  yield ok("Node.js", process.version);
  if (!isInstalled()) return yield missing("packages", "are not installed", "npm ci");
  const hasPlatform = isPlatformInstalled();
  yield hasPlatform
    ? ok("SST's platform", "is installed")
    : missing("SST's platform", "is not installed", "npx sst install");

  const aws = yield* connect(env);
  yield* settings({ stage, env });
  if (aws) yield* quota(aws);
  yield* mail({ stage, env, aws });
  yield* domain({ stage, env, aws });
  if (aws && hasPlatform) yield* secrets({ stage, env, aws });
  else yield note("secrets", "were not looked at: they are read with the AWS credentials, by SST");
}

/** Returns what further checks ask AWS by; undefined when it cannot be asked. */
async function* connect(env) {
  const region = await findRegion();
  yield region
    ? ok("AWS region", region)
    : missing(
        "AWS region",
        "is not set: the region of your users, which Upstash has too",
        "export AWS_REGION=us-east-1",
      );
  const credentials = await findCredentials().catch((error) => error);
  if (credentials instanceof Error) {
    yield missing("AWS credentials", "were not found", [
      "aws sso login, and export AWS_PROFILE=<profile>",
      "or export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ]);
    return undefined;
  }
  if (!region) return undefined;
  const aws = new Aws({ credentials, region, env });
  try {
    const { account, arn } = await aws.identity();
    yield ok("AWS credentials", `account ${account}, ${arn}`);
    return aws;
  } catch (error) {
    yield missing("AWS credentials", `are not taken: ${error.message}`, "aws sso login, or renew the keys");
    return undefined;
  }
}

/** Settings that fit together, before anybody is asked. */
function* settings({ stage, env }) {
  const model = setting(env, "TENURE_MODEL");
  if (model && !/^[\w-]+:\S+$/.test(model))
    yield missing("model", "TENURE_MODEL is not provider:model", "export TENURE_MODEL=openai:gpt-5-mini");
  else
    yield model
      ? ok("model", model)
      : note("model", "none: the offline rules answer", "export TENURE_MODEL=openai:gpt-5-mini");
  if (["production", "staging"].includes(stage) && !setting(env, "TENURE_ALARM_EMAIL"))
    yield note("alarms", "go to nobody", "export TENURE_ALARM_EMAIL=<address>");
}

async function* quota(aws) {
  const ask = `aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value 1000 --region ${aws.region}`;
  const found = await aws.concurrency().catch((error) => error);
  if (found instanceof Error)
    yield note(
      "Lambda quota",
      `could not be read: ${found.message}`,
      "allow lambda:GetAccountSettings, or look in Service Quotas",
    );
  else if (found < ENOUGH_CONCURRENCY)
    yield note(
      "Lambda quota",
      `${found} executions at once in the account: as many runs are watched, and no more`,
      ask,
    );
  else yield ok("Lambda quota", `${found} executions at once`);
}

/** The same settings as `infra/` reads them. */
const domainOf = (stage, base) =>
  base && (stage === "production" ? base : stage === "staging" ? `staging.${base}` : undefined);

async function* mail({ stage, env, aws }) {
  const name = "mail sender";
  const base = setting(env, "TENURE_DOMAIN");
  const own = domainOf(stage, base);
  const sender = setting(env, "TENURE_MAIL_SENDER") ?? own ?? base;
  if (!sender)
    return yield missing(name, "is not set: login codes come from it", "export TENURE_MAIL_SENDER=login@example.com");
  if (!/^([^\s@]+@)?([a-z0-9-]+\.)+[a-z]{2,}$/i.test(sender))
    return yield missing(name, `${sender} is no address and no domain`, "export TENURE_MAIL_SENDER=login@example.com");
  yield ok(name, sender);
  if (!aws) return;

  const account = await aws.mailAccount().catch((error) => error);
  if (account instanceof Error)
    yield note(
      "SES account",
      `could not be read: ${account.message}`,
      "allow ses:GetAccount, or look in the SES console",
    );
  else if (account.SendingEnabled === false)
    yield missing(
      "SES account",
      "may not send: AWS has stopped it",
      "look in the SES console, under Reputation metrics",
    );
  else if (account.ProductionAccessEnabled !== true)
    yield note("SES account", "is in the sandbox: codes reach confirmed addresses only", [
      `aws sesv2 put-account-details --production-access-enabled --mail-type TRANSACTIONAL --region ${aws.region} \\`,
      '  --website-url https://<your site> --use-case-description "Login codes, to those who ask for them"',
      `until then, for each who is to log in: aws sesv2 create-email-identity --email-identity <address> --region ${aws.region}`,
    ]);
  else yield ok("SES account", `sends to everybody, ${account.SendQuota?.Max24HourSend ?? "?"} mails a day`);

  const isOwner =
    (setting(env, "TENURE_MAIL_IDENTITY") ?? (stage === "production" || sender === own ? "create" : "existing")) ===
    "create";
  const identity = await aws.mailIdentity(sender).catch((error) => error);
  const identityName = "SES identity";
  if (identity instanceof Error)
    yield note(
      identityName,
      `could not be read: ${identity.message}`,
      "allow ses:GetEmailIdentity, or look in the SES console",
    );
  else if (identity?.VerifiedForSendingStatus) yield ok(identityName, `${sender} is confirmed`);
  else if (identity)
    yield note(identityName, `${sender} is not confirmed yet (${identity.VerificationStatus ?? "PENDING"})`, [
      sender.includes("@") ? "open the mail that Amazon sent there" : "make the DNS entries that the SES console names",
    ]);
  else if (isOwner) yield ok(identityName, `${sender} is made by this deployment, and then wants to be confirmed`);
  else
    yield missing(identityName, `${sender} is not there, and this stage does not own it`, [
      "npm run deploy -- --stage production",
      `or aws sesv2 create-email-identity --email-identity ${sender} --region ${aws.region}`,
      "or export TENURE_MAIL_IDENTITY=create, for this stage to own it",
    ]);
}

async function* domain({ stage, env, aws }) {
  const base = setting(env, "TENURE_DOMAIN");
  const own = domainOf(stage, base);
  if (!own) return yield ok("domain", "CloudFront's own");
  const certificate = setting(env, "TENURE_DOMAIN_CERT");
  if (certificate)
    return yield /^arn:aws[a-z-]*:acm:us-east-1:\d{12}:certificate\//.test(certificate)
      ? ok("domain", `${own}, with a certificate of yours; its DNS entry is yours to make`)
      : missing(
          "domain",
          "TENURE_DOMAIN_CERT is not the ARN of a certificate in us-east-1",
          "aws acm list-certificates --region us-east-1",
        );
  if (!aws) return yield note("domain", `${own}: Route 53 was not asked`);
  const labels = own.split(".");
  const candidates = labels.slice(0, -1).map((_, i) => labels.slice(i).join("."));
  for (const zone of candidates) {
    const zones = await aws.zones(zone).catch((error) => error);
    if (zones instanceof Error)
      return yield note(
        "domain",
        `${own}: Route 53 could not be asked: ${zones.message}`,
        "allow route53:ListHostedZonesByName",
      );
    if (zones.includes(zone)) return yield ok("domain", `${own}, in Route 53's zone ${zone}`);
  }
  yield missing("domain", `${own} is in no zone of Route 53`, [
    `aws route53 create-hosted-zone --name ${base} --caller-reference tenure-1`,
    "or, with its DNS elsewhere, export TENURE_DOMAIN_CERT=<ARN of a certificate in us-east-1>",
  ]);
}

async function* secrets({ stage, env, aws }) {
  const found = await readSecrets({ stage, aws }).catch((error) => error);
  if (found instanceof Error)
    return yield missing("secrets", `could not be read: ${found.message}`, `npx sst secret list --stage ${stage}`);
  const set = (name, value) => `npx sst secret set ${name} ${value} --stage ${stage}`;

  const { Pepper, UpstashRedisRestUrl: url, UpstashRedisRestToken: token, ModelApiKey, CheckpointKeys } = found;
  const newPepper = set("Pepper", '"$(openssl rand -base64 48)"');
  if (!Pepper) yield missing("Pepper", "is not set: the key of every keyed hash", newPepper);
  else if (Pepper.length < MIN_PEPPER)
    yield missing(
      "Pepper",
      `has ${Pepper.length} characters, and needs ${MIN_PEPPER}; a new one ends all sessions`,
      newPepper,
    );
  else yield ok("Pepper", `${Pepper.length} characters`);

  if (isOn(env, "TENURE_UPSTASH")) {
    for (const name of ["UPSTASH_EMAIL", "UPSTASH_API_KEY"])
      if (!setting(env, name))
        yield missing(
          "Redis",
          `${name} is not set, and TENURE_UPSTASH=1 has SST make the database`,
          `export ${name}=…`,
        );
    if (setting(env, "UPSTASH_EMAIL") && setting(env, "UPSTASH_API_KEY"))
      yield ok("Redis", "is made by this deployment");
  } else {
    if (!url) yield missing("UpstashRedisRestUrl", "is not set", set("UpstashRedisRestUrl", "https://….upstash.io"));
    if (!token) yield missing("UpstashRedisRestToken", "is not set", set("UpstashRedisRestToken", "…"));
    if (url && token) {
      const problem = await pingRedis({ url, token });
      yield problem
        ? missing("Redis", problem.what, set(problem.secret, "…"))
        : ok("Redis", `${new URL(url).host} answers, and runs scripts`);
    }
  }
  if (setting(env, "TENURE_MODEL"))
    yield ModelApiKey
      ? ok("ModelApiKey", "is set")
      : missing("ModelApiKey", "is not set, and TENURE_MODEL is", set("ModelApiKey", "…"));
  if (isOn(env, "TENURE_ENCRYPTION"))
    yield CheckpointKeys
      ? ok("CheckpointKeys", "is set")
      : missing(
          "CheckpointKeys",
          "is not set, and TENURE_ENCRYPTION is",
          set("CheckpointKeys", '"k1:$(openssl rand -base64 32)"'),
        );
}
