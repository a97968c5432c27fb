/**
 * In place of `@aws-sdk/client-dynamodb` and `@aws-sdk/lib-dynamodb` in a function's bundle, for core alone (infra/esbuild-plugins.mjs):
 * core's own path carries out every request of a deployed function (docs/decisions/035-a-lean-path-to-dynamodb.md), and asks of the
 * SDK only the names of its commands and the credentials. 200 KB of middleware need not load for that. A graph that imports the SDK
 * gets the real one. What no function asks for throws.
 */
import process from "node:process";

interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** Reads the credentials that Lambda gives a function in its environment. Throws an error of the name by which the SDK's own chain fails. */
async function fromEnvironment(): Promise<Credentials> {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY)
    throw Object.assign(new Error("There are no credentials in the environment."), {
      name: "CredentialsProviderError",
    });
  return {
    ...{ accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY },
    ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
  };
}

class Client {
  send(command: object): Promise<never> {
    return Promise.reject(new Error(`A function's bundle has no ${command.constructor.name} of the AWS SDK.`));
  }

  destroy(): void {}
}

export class DynamoDBClient extends Client {
  readonly config: { credentials: () => Promise<Credentials> };

  constructor({ credentials }: { credentials?: Credentials } = {}) {
    super();
    this.config = { credentials: credentials ? async () => credentials : fromEnvironment };
  }
}

export class DynamoDBDocumentClient extends Client {
  static from(): never {
    throw new Error("A function's bundle has only the client that connectDynamo makes.");
  }
}

class Command {
  readonly input: unknown;

  constructor(input: unknown) {
    this.input = input;
  }
}

export class BatchWriteCommand extends Command {}
export class CreateTableCommand extends Command {}
export class DeleteCommand extends Command {}
export class DescribeTableCommand extends Command {}
export class DescribeTimeToLiveCommand extends Command {}
export class GetCommand extends Command {}
export class PutCommand extends Command {}
export class QueryCommand extends Command {}
export class ScanCommand extends Command {}
export class UpdateCommand extends Command {}
export class UpdateTimeToLiveCommand extends Command {}
