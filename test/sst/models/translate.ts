/**
 * Each resource of an evaluated program, translated: see meaning.ts. A type that no translation knows is a finding, by its name,
 * so that a new one is never skipped; a type that asks AWS for nothing is listed here with the reason.
 */
import type { Resource } from "../program.ts";
import { compute } from "./translations/compute.ts";
import { edge } from "./translations/edge.ts";
import type { Inputs, Meaning, Translate } from "./translations/meaning.ts";
import { storage } from "./translations/storage.ts";
import { watch } from "./translations/watch.ts";

const translations: Record<string, Translate> = { ...compute, ...storage, ...watch, ...edge };

/** Types, and for SST's own dynamic resources the ends of their names, that are no call to AWS that this program could get wrong. */
const WITHOUT_CALLS: Record<string, string> = {
  "pulumi:pulumi:": "is the program itself",
  "pulumi:providers:": "says where resources are created",
  "sst:": "groups other resources and creates nothing",
  "random:index/randomBytes:RandomBytes": "is made by Pulumi and kept in its state",
  "command:local:Command": "runs on the machine that deploys",
  "upstash:index/redisDatabase:RedisDatabase": "is Upstash's, whose API has no model here",
  "aws:acm/certificateValidation:CertificateValidation": "waits, and asks for nothing",
  "aws:ses/domainIdentityVerification:DomainIdentityVerification": "waits, and asks for nothing",
  ".sst.aws.BucketFiles": "is SST's own code: it copies the files of the site",
  ".sst.aws.DistributionDeploymentWaiter": "is SST's own code: it waits",
  ".sst.aws.DistributionInvalidation": "is SST's own code: it invalidates paths",
  ".sst.aws.HostedZoneLookup": "is SST's own code: it looks a zone up",
  ".sst.aws.KvKeys": "is SST's own code: it writes keys of its router",
  ".sst.aws.KvRoutesUpdate": "is SST's own code: it writes keys of its router",
};

/** A resource that the program only looks up asks for nothing either. */
const isWithoutCalls = ({ type, name, ...rest }: Resource) =>
  ("isRead" in rest && rest.isRead) ||
  Object.keys(WITHOUT_CALLS).some((one) =>
    one.startsWith(".") ? type === "pulumi-nodejs:dynamic:Resource" && name.endsWith(one) : type.startsWith(one),
  );

export type Check = "sdk" | "schema" | "iam" | "rule";

export interface Finding {
  resource: string;
  check: Check;
  text: string;
}

export interface Translated {
  type: string;
  name: string;
  inputs: Inputs;
  meaning: Meaning;
}

export interface Translation {
  resources: Translated[];
  findings: Finding[];
}

export function translate(resources: Resource[]): Translation {
  const findings: Finding[] = [];
  const translated = settled(resources).flatMap((resource): Translated[] => {
    if (isWithoutCalls(resource)) return [];
    const { type, name, inputs } = resource;
    const one = translations[type];
    if (one) return [{ type, name, inputs, meaning: one(inputs, name) }];
    findings.push({ resource: name, check: "rule", text: `${type} has no translation in test/sst/models` });
    return [];
  });
  return { resources: translated, findings };
}

const ACCOUNT = "123456789012";
/** Stands for the id in an ARN that AWS makes up. */
export const UUID = "00000000-0000-4000-8000-000000000000";

/** The ARN that AWS would give, by type. */
export const ARNS: Record<string, (name: string) => string> = {
  "aws:sns/topic:Topic": (name) => `arn:aws:sns:us-east-1:${ACCOUNT}:${name}`,
  "aws:dynamodb/table:Table": (name) => `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/${name}`,
  "aws:sqs/queue:Queue": (name) => `arn:aws:sqs:us-east-1:${ACCOUNT}:${name}`,
  "aws:lambda/function:Function": (name) => `arn:aws:lambda:us-east-1:${ACCOUNT}:function:${name}`,
  "aws:iam/role:Role": (name) => `arn:aws:iam::${ACCOUNT}:role/${name}`,
  "aws:cloudwatch/logGroup:LogGroup": (name) => `arn:aws:logs:us-east-1:${ACCOUNT}:log-group:${name}`,
  "aws:cloudfront/function:Function": (name) => `arn:aws:cloudfront::${ACCOUNT}:function/${name}`,
  "aws:cloudfront/keyValueStore:KeyValueStore": () => `arn:aws:cloudfront::${ACCOUNT}:key-value-store/${UUID}`,
  "aws:acm/certificate:Certificate": () => `arn:aws:acm:us-east-1:${ACCOUNT}:certificate/${UUID}`,
};

export const physicalName = ({ name, inputs }: Resource | Translated): string => inputs.name ?? name;

/**
 * The resources without two traits of the simulated engine: it makes up `arn:aws:test:…` where the program only hands an ARN on,
 * and it leaves the principal `*` as the list that the provider turns into the text "*".
 */
function settled(resources: Resource[]): Resource[] {
  const byName = new Map(resources.filter(({ type }) => ARNS[type]).map((one) => [one.name, one]));
  const settle = (value: unknown): unknown => {
    if (typeof value === "string")
      return value
        .replace(/arn:aws:test:us-east-1:\d{12}:([\w-]+)/g, (arn, name: string) => {
          const one = byName.get(name);
          return (one && ARNS[one.type]?.(physicalName(one))) ?? arn;
        })
        .replaceAll('"Principal":{"*":["*"]}', '"Principal":"*"');
    if (Array.isArray(value)) return value.map(settle);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, settle(one)]));
  };
  return resources.map((one) => ({ ...one, inputs: settle(one.inputs) }));
}
