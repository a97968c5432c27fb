/**
 * A primary dies and its replica takes over. A session that ended stays ended where the call waited for the replica, and a call that
 * the replica did not confirm says that its outcome is unknown. Without waiting, a logout can come back: that is shown too.
 */
import { createCodeStore, defaultCodePolicy } from "@tenure/core/otp";
import type { RedisStore } from "@tenure/core/redis";
import { createSessionStore, defaultSessionPolicy } from "@tenure/core/session";
import { codeDigest, keyedHandle, newChallenge, newToken } from "@tenure/core/token";
import { RedisServer } from "@tenure/local/redis/resp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { some } from "../support/runner/size.ts";
import { isRedisFound } from "../support/stores/found.ts";
import { startProxy, type Proxy as TcpProxy } from "../support/stores/proxy.ts";
import { type StartedCluster, startRedisCluster, until } from "../support/stores/redis-cluster.ts";
import { type StartedRedis, startRedisServer } from "../support/stores/redis-server.ts";
import { type ConnectedClient, tcpClients } from "../support/stores/tcp-clients.ts";

const handle = keyedHandle("pepper", "user", "user_ada");
const sessionsOn = (redis: RedisStore) =>
  createSessionStore({ redis, policy: defaultSessionPolicy, data: { parse: String } });
const unknown = { reason: { tag: "store-unavailable", store: "redis", outcome: "unknown" } };
/** Short, since calls are to run into it. */
const HELD = { replicas: 1, deadlineMs: 400 };

describe.runIf(isRedisFound).each(tcpClients)("a primary with a replica, by $name", ({ connect }) => {
  let primary: StartedRedis;
  let replica: StartedRedis;
  let link: TcpProxy;
  let atReplica: RedisServer;
  const clients: ConnectedClient[] = [];
  const at = async (url: string, options?: Parameters<typeof connect>[1]) => {
    const client = await connect([url], options);
    clients.push(client);
    return client.store;
  };

  beforeEach(async () => {
    primary = await startRedisServer({}, { "repl-diskless-sync-delay": "0" });
    link = await startProxy(new URL(primary.url));
    replica = await startRedisServer({}, { replicaof: `127.0.0.1 ${link.port}` });
    atReplica = new RedisServer(new URL(replica.url));
    await until(async () => String(await atReplica.send(["INFO", "replication"])).includes("master_link_status:up"));
  });
  afterEach(async () => {
    for (const { close } of clients.splice(0)) close();
    await link.cut();
    await atReplica.close();
    await Promise.all([primary.close(), replica.close()]);
  });

  /** The primary dies with all that it has not passed on; returns the promoted replica. */
  async function failOver(): Promise<RedisStore> {
    await link.cut();
    await primary.close();
    await atReplica.send(["REPLICAOF", "NO", "ONE"]);
    return at(replica.url);
  }

  it("brings back no session whose logout was confirmed", async () => {
    const sessions = sessionsOn(await at(primary.url, { replicas: 1 }));
    const [gone, kept] = [newToken(handle).ref, newToken(handle).ref];
    await sessions.create(gone, { data: "ada" });
    await sessions.create(kept, { data: "ada" });
    await sessions.revoke(gone);
    const after = sessionsOn(await failOver());
    expect(await after.readAndTouch(gone)).toBeUndefined();
    expect(await after.readAndTouch(kept)).toMatchObject({ id: kept.id });
  });

  it("says that a logout's outcome is unknown until the replica has it, however often it is repeated", async () => {
    const store = await at(primary.url, { replicas: 1 });
    const held = sessionsOn(await at(primary.url, HELD));
    const { ref } = newToken(handle);
    await sessionsOn(store).create(ref, { data: "ada" });
    link.hold();
    await expect(held.revoke(ref)).rejects.toMatchObject(unknown);
    // The logout lands on the primary, on a busy machine after its deadline, and a repetition has nothing to change there.
    const alone = sessionsOn(await at(primary.url));
    await expect.poll(() => alone.readAndTouch(ref)).toBeUndefined();
    await expect(held.revoke(ref)).rejects.toMatchObject(unknown);
    link.release();
    await sessionsOn(store).revoke(ref);
    expect(await sessionsOn(await failOver()).readAndTouch(ref)).toBeUndefined();
  });

  it("can bring one back whose logout nobody waited for", async () => {
    const sessions = sessionsOn(await at(primary.url, { replicas: 1 }));
    const { ref } = newToken(handle);
    await sessions.create(ref, { data: "ada" });
    link.hold();
    await sessionsOn(await at(primary.url)).revoke(ref);
    expect(await sessionsOn(await failOver()).readAndTouch(ref)).toMatchObject({ id: ref.id });
  });

  it("accepts no code again whose use was confirmed, and none whose use was not", async () => {
    const codes = createCodeStore(await at(primary.url, { replicas: 1 }), { ...defaultCodePolicy, resendMs: 0 });
    const account = keyedHandle("pepper", "account", "ada@example.com");
    const issue = async () => {
      const challenge = newChallenge("pepper", account);
      const digest = codeDigest("pepper", challenge, "123456");
      await codes.issue({ account, challenge, digest, email: "ada@example.com" });
      return [account, challenge, digest] as const;
    };
    const [used, unsure] = [await issue(), await issue()];
    expect(await codes.consume(...used)).toMatchObject({ accepted: true });
    link.hold();
    const held = createCodeStore(await at(primary.url, HELD), defaultCodePolicy);
    await expect(held.consume(...unsure)).rejects.toMatchObject(unknown);
    const after = createCodeStore(await failOver(), defaultCodePolicy);
    expect(await after.consume(...used)).toMatchObject({ accepted: false, why: "gone" });
  });
});

describe.runIf(isRedisFound).each(some(tcpClients))("a cluster with replicas, by $name", ({ connect }) => {
  let cluster: StartedCluster;
  let client: ConnectedClient;
  beforeEach(async () => {
    cluster = await startRedisCluster({ replicas: 1 });
    client = await connect(cluster.urls, { isCluster: true, replicas: 1, deadlineMs: 5000 });
  });
  afterEach(async () => {
    client.close();
    await cluster.close();
  });

  const roleOf = async (engine: RedisServer) => ((await engine.send(["ROLE"])) as string[])[0];
  /** The node that has the user's keys, and its replica. */
  async function homeOf(key: string) {
    for (const [i, node] of cluster.nodes.slice(0, 3).entries()) {
      const reply = await node.engine.send(["EXISTS", key]);
      if (typeof reply === "number") return { home: node, other: cluster.nodes[i + 3] as typeof node };
    }
    throw new Error(`no node has ${key}`);
  }

  it("goes on at the promoted replica, and nothing that ended comes back", async () => {
    const sessions = sessionsOn(client.store);
    const refs = Array.from({ length: 4 }, () => newToken(handle).ref);
    for (const ref of refs) await sessions.create(ref, { data: "ada" });
    const [first, second, third, kept] = refs as [
      (typeof refs)[0],
      (typeof refs)[0],
      (typeof refs)[0],
      (typeof refs)[0],
    ];
    await sessions.revoke(first);
    const { home, other } = await homeOf(`sessions:{${handle}}`);

    // By hand: the old primary lives on as a replica and sends clients to the new one.
    await other.engine.send(["CLUSTER", "FAILOVER"]);
    await until(async () => (await roleOf(other.engine)) === "master" && (await roleOf(home.engine)) === "slave");
    await until(async () => String(await home.engine.send(["INFO", "replication"])).includes("master_link_status:up"));
    await sessions.revoke(second);

    // The new primary dies: the cluster finds out, and promotes the old one again.
    await other.close();
    const insist = async <T>(call: () => Promise<T>): Promise<T> => {
      for (;;)
        try {
          return await call();
        } catch (error) {
          expect(error).toMatchObject({ reason: { tag: "store-unavailable" } });
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
    };
    for (const ref of [first, second]) expect(await insist(() => sessions.readAndTouch(ref))).toBeUndefined();
    for (const ref of [third, kept]) expect(await sessions.readAndTouch(ref)).toMatchObject({ id: ref.id });
    // No replica is left to confirm it.
    await expect(sessions.revoke(third)).rejects.toMatchObject(unknown);
  });
});
