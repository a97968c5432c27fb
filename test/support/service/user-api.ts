/** The API on one DynamoDB and an embedded Redis, as one user who is logged in sees it, and the stores behind it. */
import type { Deps, ServiceConfig } from "@tenure/functions/deps";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { credentials, type dynamoEngines, type TestTable } from "../stores/dynamo.ts";
import { type Behind, behindGateway } from "../stores/redis.ts";
import { openApi, type TestApi } from "./api.ts";

export interface UserApi {
  api: TestApi;
  table: TestTable;
  redis: Behind;
  /** The answer's body is JSON, or nothing; `more` are headers. */
  ask<T = unknown>(
    method: string,
    path: string,
    body?: unknown,
    more?: Record<string, string>,
  ): Promise<{ status: number; headers: Headers; body: T }>;
  /** Sends a text as it is, with no more than a method that can have none. */
  send(method: string, path: string, text?: string): Promise<{ status: number; text: string }>;
  /** Goes on as this user, logged in at an address of their own: limits are counted anew. */
  become(email: string): Promise<void>;
  close(): Promise<void>;
}

export async function openUserApi(
  { open }: (typeof dynamoEngines)[number],
  config: Partial<ServiceConfig> = {},
  replaced: Partial<Deps> = {},
): Promise<UserApi> {
  const table = await open();
  const redis = await behindGateway(new EmbeddedRedis());
  let people = 0;
  const api = await openApi(
    {
      // Each in a network of their own.
      addressOf: () => `10.${people >> 8}.${people & 255}.1`,
      redis,
      dynamo: { endpoint: table.endpoint, region: "local", credentials },
      tableName: table.tableName,
      ...config,
    },
    replaced,
  );
  let headers: Record<string, string> = {};
  async function become(email: string) {
    people++;
    headers = { Authorization: `Bearer ${await api.logIn(email)}` };
  }
  await become("ada@example.com");
  return {
    ...{ api, table, redis, become },
    async ask<T>(method: string, path: string, body?: unknown, more: Record<string, string> = {}) {
      const answer = await api.request(method, path, {
        headers: { ...headers, ...more },
        ...(body !== undefined && { body }),
      });
      const text = await answer.text();
      return {
        status: answer.status,
        headers: answer.headers,
        body: (text === "" ? undefined : JSON.parse(text)) as T,
      };
    },
    async send(method, path, text) {
      const answer = await api.request(method, path, { headers, ...(text !== undefined && { text }) });
      return { status: answer.status, text: await answer.text() };
    },
    async close() {
      await api.close();
      await redis.close();
      await table.close();
    },
  };
}
