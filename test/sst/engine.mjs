/**
 * A simulated Pulumi engine in the process of the program: each resource that the program declares is written down with its
 * inputs and options, and is answered with what AWS would say of it, as far as the program goes on from that.
 */
import { execSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const ACCOUNT = "123456789012";
const REGION = process.env.AWS_REGION ?? "us-east-1";
/** The SES identities that the account has before the program runs. */
const IDENTITIES = (process.env.TENURE_SST_IDENTITIES ?? "login@example.com").split(",");
const short = (text) => createHash("sha256").update(text).digest("hex").slice(0, 10);

/** The outputs of a resource once it is made, by the end of its type's name. */
const made = {
  "dynamodb/table:Table": (name) => ({ arn: `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${name}`, name }),
  "sqs/queue:Queue": (name) => ({
    arn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`,
    url: `${process.env.TENURE_SST_QUEUES ?? `https://sqs.${REGION}.amazonaws.com`}/${ACCOUNT}/${name}`,
    name,
  }),
  "lambda/function:Function": (name) => {
    const arn = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`;
    return { arn, name, qualifiedArn: `${arn}:1`, invokeArn: `${arn}/invocations`, version: "1", lastModified: "" };
  },
  "lambda/functionUrl:FunctionUrl": (name) => ({ functionUrl: `https://${short(name)}.lambda-url.${REGION}.on.aws/` }),
  "iam/role:Role": (name) => ({ arn: `arn:aws:iam::${ACCOUNT}:role/${name}`, name }),
  "s3/bucket:Bucket": (name) => ({
    arn: `arn:aws:s3:::${name}`,
    bucket: name,
    bucketDomainName: `${name}.s3.amazonaws.com`,
    bucketRegionalDomainName: `${name}.s3.${REGION}.amazonaws.com`,
  }),
  "cloudfront/distribution:Distribution": (name) => ({
    arn: `arn:aws:cloudfront::${ACCOUNT}:distribution/${short(name)}`,
    domainName: `${short(name)}.cloudfront.net`,
    hostedZoneId: "Z2FDTNDATAQYW2",
    etag: "1",
    status: "Deployed",
  }),
  "random:index/randomBytes:RandomBytes": (name, { length }) => {
    const bytes = Buffer.alloc(length, name);
    return { base64: bytes.toString("base64"), hex: bytes.toString("hex") };
  },
  "acm/certificate:Certificate": (name, { domainName }) => ({
    arn: `arn:aws:acm:us-east-1:${ACCOUNT}:certificate/${short(name)}`,
    domainValidationOptions: [
      {
        domainName,
        resourceRecordName: `_${short(domainName)}.${domainName}.`,
        resourceRecordType: "CNAME",
        resourceRecordValue: `_${short(name)}.acm-validations.aws.`,
      },
    ],
  }),
  "sns/topicPolicy:TopicPolicy": (_name, { arn }) => ({ arn }),
  "sesv2/emailIdentity:EmailIdentity": (_name, { emailIdentity }) => ({
    arn: `arn:aws:ses:${REGION}:${ACCOUNT}:identity/${emailIdentity}`,
    dkimSigningAttributes: { tokens: [1, 2, 3].map((n) => short(`${emailIdentity}${n}`)) },
  }),
  "pulumi-nodejs:dynamic:Resource": (_name, inputs) => ("domain" in inputs ? { zoneId: "Z0123456789ABC" } : {}),
  "upstash:index/redisDatabase:RedisDatabase": (name) => ({
    endpoint: `${short(name)}.upstash.io`,
    restToken: "token-of-the-made-database",
  }),
};

const statement = ({ effect = "Allow", actions, resources, principals, conditions }) => ({
  Effect: effect,
  Action: actions,
  Resource: resources,
  ...(principals && { Principal: Object.fromEntries(principals.map(({ type, identifiers }) => [type, identifiers])) }),
  ...(conditions && {
    Condition: Object.fromEntries(conditions.map(({ test, variable, values }) => [test, { [variable]: values }])),
  }),
});

/** Answers to what the program asks of a provider without declaring anything, by the call's token. */
const answers = {
  "aws:index/getCallerIdentity:getCallerIdentity": () => ({ accountId: ACCOUNT, arn: "", userId: "", id: ACCOUNT }),
  "aws:index/getRegion:getRegion": () => ({ name: REGION, region: REGION, id: REGION, description: "", endpoint: "" }),
  "aws:index/getPartition:getPartition": () => ({ partition: "aws", id: "aws", dnsSuffix: "amazonaws.com" }),
  "aws:iam/getPolicyDocument:getPolicyDocument": ({ version = "2012-10-17", statements = [] }) => ({
    statements,
    json: JSON.stringify({ Version: version, Statement: statements.map(statement) }),
  }),
  "command:local:run": (inputs) => {
    build(inputs.command, inputs);
    return { ...inputs, stdout: "", stderr: "" };
  },
  "aws:sesv2/getEmailIdentity:getEmailIdentity": ({ emailIdentity }) => {
    if (!IDENTITIES.includes(emailIdentity)) throw new Error(`NotFoundException: ${emailIdentity}`);
    return { emailIdentity, arn: `arn:aws:ses:${REGION}:${ACCOUNT}:identity/${emailIdentity}` };
  },
  "aws:cloudfront/getCachePolicy:getCachePolicy": () => ({ id: "cache-policy" }),
  "aws:cloudfront/getOriginRequestPolicy:getOriginRequestPolicy": () => ({ id: "origin-request-policy" }),
};

/** A site's build is a resource to Pulumi. */
function build(command, { dir, environment }) {
  execSync(command, { cwd: dir, env: { ...process.env, ...environment }, stdio: "pipe", shell: "/bin/bash" });
}

export async function run({ main, out, stage, app, isPreview }) {
  const require = createRequire(main);
  const pulumi = require("@pulumi/pulumi");
  const resources = [];
  const options = new Map();
  /** A component's outputs: what `sst` is told of it, such as the commands that `sst dev` runs. */
  const outputs = new Map();
  const unwrap = (_key, value) => (isSecret(value) ? value.value : value);
  const write = (error) => {
    for (const one of resources) Object.assign(one, options.get(`${one.type}|${one.name}`));
    for (const one of resources) Object.assign(one, outputs.get(`${one.type}|${one.name}`));
    writeFileSync(out, JSON.stringify({ resources, ...(error && { error }) }, unwrap, 1));
  };
  const fail = (error) => {
    write(error?.stack || String(error));
    process.exit(1);
  };
  // Else what is thrown in an apply ends nothing, and the program just has nothing left to do.
  process.on("unhandledRejection", fail);
  process.on("uncaughtException", fail);

  const mocks = {
    newResource({ type, name, inputs, custom, id }) {
      const { __provider, ...declared } = inputs;
      // With an id it is one that is there already, and is read.
      resources.push({ type, name, inputs: declared, ...(id && { isRead: true }) });
      if (type === "command:local:Command" && declared.create) build(declared.create, declared);
      const physical = declared.name ?? declared.bucket ?? name;
      const state = Object.entries(made).find(([end]) => type.endsWith(end))?.[1];
      const arn = `arn:aws:test:${REGION}:${ACCOUNT}:${name}`;
      return {
        id: physical,
        state: { ...inputs, ...(custom && (state?.(physical, declared) ?? { arn, name: physical })) },
      };
    },
    call({ token, inputs }) {
      const answer = answers[token];
      if (!answer) throw new Error(`the simulated engine does not know ${token}`);
      return answer(inputs);
    },
  };
  await pulumi.runtime.setMocks(mocks, app, stage, isPreview, "organization");
  // Mocks are not told of options.
  const monitor = require("@pulumi/pulumi/runtime/settings").getMonitor();
  const registerResource = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, answer) => {
    const [protect, retainOnDelete] = [request.getProtect(), request.getRetainondelete()];
    options.set(`${request.getType()}|${request.getName()}`, { protect, retainOnDelete });
    return registerResource(request, answer);
  };
  const registerOutputs = monitor.registerResourceOutputs.bind(monitor);
  monitor.registerResourceOutputs = (request, answer) => {
    const [types, name] = request.getUrn().split("::").slice(-2);
    outputs.set(`${types.split("$").at(-1)}|${name}`, { outputs: request.getOutputs()?.toJavaScript() });
    return registerOutputs(request, answer);
  };
  try {
    await pulumi.runtime.runInPulumiStack(async () => (await import(main)).default);
    await pulumi.runtime.disconnect();
  } catch (error) {
    fail(error);
  }
  write();
  process.exit(0);
}

/** How Pulumi marks a secret in what it hands over. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const isSecret = (value) => typeof value === "object" && value !== null && SIGNATURE in value && "value" in value;
