/** The form in which AWS is asked for a resource of the evaluated program: API calls, a CloudFormation resource, policies. */
import type { Resource } from "../../program.ts";

export type Inputs = Resource["inputs"];

/** The clients of the AWS SDK that the provider's calls belong to. */
export type Service =
  | "acm"
  | "cloudfront"
  | "cloudwatch"
  | "cloudwatch-logs"
  | "dynamodb"
  | "iam"
  | "lambda"
  | "route-53"
  | "s3"
  | "scheduler"
  | "sesv2"
  | "sns"
  | "sqs";

export interface Call {
  service: Service;
  /** The operation's name in the API, `CreateFunction`. */
  operation: string;
  input: object;
}

export interface Policy {
  /** A role's trust, a role's rights, or the rights on one resource. */
  kind: "trust" | "identity" | "resource";
  document: unknown;
  /** The ARN of the resource that a policy of the kind `resource` is attached to. */
  of?: string;
}

export interface Meaning {
  calls: Call[];
  cloudFormation?: { type: string; properties: object };
  policies?: Policy[];
}

export type Translate = (inputs: Inputs, name: string) => Meaning;

export const call = (service: Service, operation: string, input: object): Call => ({ service, operation, input });

/** Stands for a file's bytes in a call's input. */
export class Bytes {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toJSON() {
    return { $bytes: this.text };
  }
}

/**
 * The inputs with each key's first letter in upper case, at every depth, which is how AWS' models spell nearly all names that
 * Pulumi begins in lower case. A translation hands on whatever it does not name itself, so an input that it has never heard of
 * reaches the models, and they refuse it if AWS has no such member.
 */
export function capitalised(inputs: Inputs): Inputs {
  if (Array.isArray(inputs)) return inputs.map(capitalised);
  if (typeof inputs !== "object" || inputs === null) return inputs;
  return Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => [`${key[0]?.toUpperCase()}${key.slice(1)}`, capitalised(value)]),
  );
}

/** Without the members that are undefined: `{ a: undefined }` asks for nothing. */
export const defined = <T extends object>(input: T): Partial<T> =>
  Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as Partial<T>;

/** `{ team: "x" }` as CloudFormation and most of the APIs write tags. */
export const tagList = (tags: Record<string, string> | undefined) =>
  tags && Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

export const parsed = (document: unknown): unknown => (typeof document === "string" ? JSON.parse(document) : document);
export const text = (document: unknown): string => (typeof document === "string" ? document : JSON.stringify(document));
