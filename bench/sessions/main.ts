/**
 * Session stores side by side, on one redis-server of this run's own. Tables on stdout, progress on stderr.
 *
 *   npm --prefix bench run sessions -- [--trials 10000] [--peer-trials 200] [--seed 1]
 *                                      [--blocks 200] [--operations 200] [--only name,name]
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { startGateway } from "@tenure/local/gateway/server";
import { RedisServer } from "@tenure/local/redis/resp";
import { authJs } from "./peers/auth-js.ts";
import { betterAuthPeer } from "./peers/better-auth.ts";
import { connectRedisPeer } from "./peers/connect-redis.ts";
import { honoSessions, honoSessionsOnlyExisting } from "./peers/hono-sessions.ts";
import { tenure, tenureRequest } from "./peers/tenure.ts";
import type { Env, Peer } from "./port.ts";
import { type RaceResult, race } from "./race.ts";
import { startCountingProxy, startRedis } from "./servers.ts";
import { raceTable, ratioTable, tripsTable } from "./tables.ts";
import { type Ratio, restRatios, tcpRatios } from "./throughput.ts";
import { countTrips, type Trips } from "./trips.ts";

const PEERS: Peer[] = [
  tenure,
  tenureRequest,
  connectRedisPeer,
  honoSessions,
  honoSessionsOnlyExisting,
  betterAuthPeer,
  authJs,
];

const { values } = parseArgs({
  options: {
    trials: { type: "string", default: "10000" },
    "peer-trials": { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    blocks: { type: "string", default: "200" },
    operations: { type: "string", default: "200" },
    only: { type: "string", default: "" },
  },
});
const flag = (name: Exclude<keyof typeof values, "only">) => {
  const number = Number(values[name]);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`--${name} is a whole number above 0`);
  return number;
};
const say = (text: string) => process.stderr.write(`${text}\n`);

const peers = PEERS.filter(({ name }) => values.only.split(",").some((part) => name.includes(part)));
const redis = await startRedis();
const token = "bench";
const engine = new RedisServer(new URL(`redis://127.0.0.1:${redis.port}`));
const gateway = await startGateway({ engine, token });
const redisProxy = await startCountingProxy(redis.port);
const gatewayProxy = await startCountingProxy(Number(new URL(gateway.url).port));
const direct: Env = { redisUrl: `redis://127.0.0.1:${redis.port}`, restUrl: gateway.url, restToken: token };
const counted: Env = {
  redisUrl: `redis://127.0.0.1:${redisProxy.port}`,
  restUrl: `http://127.0.0.1:${gatewayProxy.port}`,
  restToken: token,
};

const races: { peer: Peer; result: RaceResult }[] = [];
const trips: { peer: Peer; trips: Trips }[] = [];
const ratios: Ratio[] = [];
try {
  for (const peer of peers) {
    say(`${peer.name}: round trips`);
    const opened = await peer.open(counted);
    trips.push({ peer, trips: await countTrips(opened, () => redisProxy.roundTrips() + gatewayProxy.roundTrips()) });
    await opened.close();
  }
  for (const peer of peers) {
    if (!peer.use) continue;
    const trials = flag(peer === tenure ? "trials" : "peer-trials");
    const opened = await peer.open(direct);
    const progress = (done: number) => say(`${peer.name}: race, ${done} of ${trials}`);
    races.push({ peer, result: await race(opened, { trials, seed: flag("seed"), progress }) });
    await opened.close();
  }
  const load = { blocks: flag("blocks"), operations: flag("operations") };
  say("read throughput over REST");
  ratios.push(...(await restRatios(direct, load)));
  say("read throughput over TCP");
  ratios.push(...(await tcpRatios(direct, load)));
  const machine = `Node.js ${process.version}, redis-server ${redis.version}, ${cpus().length} × ${cpus()[0]?.model}`;
  console.log([machine, raceTable(races), tripsTable(trips), ratioTable(ratios)].join("\n\n"));
} finally {
  for (const server of [gatewayProxy, redisProxy, gateway, engine, redis]) await server.close();
}
