/** When DynamoDB does not take the activity log, logins end all the same, and what happened is said on stderr. */

import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { accountOf } from "@tenure/functions/identity";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { expect, it } from "vitest";
import { holdTimers } from "../support/runner/time.ts";
import { openApi, PEPPER } from "../support/service/api.ts";
import { behindGateway } from "../support/stores/redis.ts";

it("logs out at once, and reports each entry whole and without a secret", async () => {
  const behind = await behindGateway(new EmbeddedRedis());
  const local = await startLocalDynamo();
  const dynamo = { endpoint: local.url, region: "local", credentials: { accessKeyId: "a", secretAccessKey: "b" } };
  const client = connectDynamo(dynamo);
  await ensureTable(client, "tenure");
  client.destroy();
  const lines: string[] = [];
  const unrecorded = () =>
    lines.map((line) => JSON.parse(line)).filter(({ event }: { event: string }) => event === "activity-unrecorded");
  const api = await openApi({ redis: behind, dynamo, report: (line) => lines.push(line) });
  try {
    const email = "ada@example.com";
    const asked = await api.request("POST", "/auth/code", { body: { email } });
    const { challenge } = (await asked.json()) as { challenge: string };
    const verified = await api.request("POST", "/auth/verify", { body: { challenge, code: api.sent() } });
    const { token, session } = (await verified.json()) as { token: string; session: { id: string } };
    await api.deps.activity.flush(120_000);
    expect(lines).toEqual([]);

    await local.close();
    const headers = { Authorization: `Bearer ${token}` };
    // The log's pauses between the tries are held: a logout that waited for the log would not end.
    const time = holdTimers();
    expect((await api.request("POST", "/auth/logout", { headers })).status).toBe(204);
    expect(unrecorded()).toEqual([]);
    time.release();
    expect((await api.request("GET", "/auth/session", { headers })).status).toBe(401);

    await api.deps.activity.flush(120_000);
    expect(unrecorded()).toEqual([
      {
        level: "error",
        event: "activity-unrecorded",
        activity: expect.objectContaining({
          account: accountOf(PEPPER, email),
          kind: "logout",
          at: expect.any(Number),
          network: "192.0.2.0/24",
          detail: { session: session.id },
        }),
      },
    ]);
    for (const secret of [email, token, token.split(".")[1] as string]) expect(lines.join()).not.toContain(secret);

    // A caller that cannot wait any longer says so, and the entry is reported rather than lost.
    api.deps.activity.record({ account: "a", kind: "login", origin: {} });
    await api.deps.activity.flush(0);
    expect(unrecorded()).toHaveLength(2);
  } finally {
    await api.close();
    await behind.close();
  }
});
