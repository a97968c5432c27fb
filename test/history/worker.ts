/** A process among several: it uses random sessions of users that they all share, and writes down what it saw. */
import { createHash } from "node:crypto";
import { pause } from "@tenure/core/deadline";
import { isTenureError } from "@tenure/core/errors";
import { connectRedis, type RedisConfig } from "@tenure/core/redis";
import { createSessionStore, type Session, type SessionPolicy, type SessionStore } from "@tenure/core/session";
import { keyedHandle, type SessionRef } from "@tenure/core/token";
import { Redis } from "@upstash/redis";
import { tcpClient } from "../support/stores/tcp-clients.ts";
import { whole } from "../support/stores/whole-session.ts";
import type { Operation, Seen } from "./operations.ts";
import { readThenWriteStore } from "./read-then-write.ts";

/** The way to Redis: through the gateway, or by a client over TCP. */
export type Way =
  | { url: string; token: string; deadlineMs: number; keyLocking: boolean }
  | { client: string; urls: string[]; isCluster: boolean; deadlineMs: number };

export interface Assignment {
  redis: Way;
  store: "tenure" | "read-then-write";
  policy: SessionPolicy;
  /** Names the round; its users are its own. */
  round: string;
  users: number;
  /** Which of how many processes this is. */
  worker: number;
  workers: number;
  /** The number of calls that this process makes, and of those under way at a time. */
  operations: number;
  concurrency: number;
}

/** A session that exists, or soon will, so that other processes may use it. */
interface Announcement {
  user: number;
  serial: number;
}

export type FromWorker = { announced: Announcement } | { operations: Operation[] } | { failed: string };
export type ToWorker = { assignment: Assignment } | { announced: Announcement };

const BATCH = 500;
/** The number of a user's newest sessions that are in use. */
const KNOWN = 6;

/** Resolves when it is on its way: what is not by the time of `disconnect` may be lost. */
const send = (message: FromWorker): Promise<void> =>
  new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
let known: number[][] = [];

function learn({ user, serial }: Announcement): void {
  const serials = known[user] as number[];
  serials.push(serial);
  if (serials.length > KNOWN) serials.shift();
}

process.on("message", (message: ToWorker) => {
  if ("announced" in message) learn(message.announced);
  else
    work(message.assignment).then(
      () => process.disconnect(),
      async (error: unknown) => {
        await send({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
        process.disconnect();
      },
    );
});

async function work(assignment: Assignment): Promise<void> {
  const { policy, round, users, worker, workers, operations, concurrency } = assignment;
  known = Array.from({ length: users }, () => []);
  const { redis: way } = assignment;
  const connection = "client" in way ? await tcpClient(way.client).connect(way.urls, way) : undefined;
  const store =
    assignment.store === "tenure" || "client" in way
      ? createSessionStore({
          redis: connection?.store ?? connectRedis(way as RedisConfig),
          policy,
          data: { parse: String },
        })
      : readThenWriteStore(new Redis({ ...way, retry: { retries: 0 }, automaticDeserialization: false }), policy);

  const written: Operation[] = [];
  let begun = 0;
  let serials = 0;
  const refOf = (user: number, serial: number): SessionRef => ({
    handle: keyedHandle("pepper", "user", `${round}/${user}`),
    id: createHash("sha256").update(`${round}/${user}/${serial}`).digest("base64url"),
  });
  const pick = <T>(list: T[]): T | undefined => list[Math.floor(Math.random() * list.length)];
  const aNewOne = (user: number): SessionRef => {
    const serial = serials++ * workers + worker;
    learn({ user, serial });
    void send({ announced: { user, serial } });
    return refOf(user, serial);
  };

  /** Runs one call and writes it down; says whether its outcome is known. */
  async function record<T>(user: number, call: () => Promise<T>, describe: (answer?: T) => object): Promise<boolean> {
    const [startedAt, startedOn] = [monotonic(), Date.now()];
    let answer: { value: T } | undefined;
    try {
      answer = { value: await call() };
    } catch (error) {
      if (assignment.store === "tenure" && !isTenureError(error, "store-unavailable")) throw error;
      // A client without a connection says so at once: the rest of the history would be over before it has one.
      if (connection) await pause(5);
    }
    const times = { startedAt, startedOn, endedAt: monotonic(), endedOn: Date.now() };
    written.push({ user, ...times, ...describe(answer?.value), ...(!answer && { answer: undefined }) } as Operation);
    if (written.length >= BATCH) void send({ operations: written.splice(0) });
    return answer !== undefined;
  }

  /** Calls that are to be repeated after an unknown outcome are, half the time. */
  async function insist(attempt: () => Promise<boolean>): Promise<void> {
    while (!(await attempt()) && Math.random() < 0.5) begun += 1;
  }

  async function act(): Promise<void> {
    const user = Math.floor(Math.random() * users);
    const serial = pick(known[user] as number[]);
    const dice = Math.random() * 100;
    if (serial === undefined || dice < 12) return create(user, serial);
    const ref = refOf(user, serial);
    if (dice < 60) {
      await record(
        user,
        () => store.readAndTouch(ref),
        (found) => ({ verb: "read", id: ref.id, answer: maybe(found) }),
      );
    } else if (dice < 72) {
      const data = Math.random().toString(36);
      const expected = Math.random() < 0.3 ? Math.floor(Math.random() * 3) : undefined;
      await record(
        user,
        () => store.update(ref, data, expected),
        (found) => ({ verb: "update", id: ref.id, data, answer: found === "stale" ? { stale: true } : maybe(found) }),
      );
    } else if (dice < 80) {
      const to = aNewOne(user);
      const authenticated = Math.random() < 0.3;
      await insist(() =>
        record(
          user,
          () => store.rotate(ref, to, { authenticated }),
          (found) => ({ verb: "rotate", id: ref.id, to: to.id, authenticated, answer: maybe(found) }),
        ),
      );
    } else if (dice < 88) {
      await insist(() =>
        record(
          user,
          () => store.revoke(ref),
          () => ({ verb: "revoke", id: ref.id, answer: {} }),
        ),
      );
    } else await onAll(store, user, ref, dice);
  }

  async function create(user: number, known: number | undefined): Promise<void> {
    const ref = aNewOne(user);
    const replaces = known !== undefined && Math.random() < 0.3 ? refOf(user, known) : undefined;
    await record(
      user,
      () => store.create(ref, { data: "0", ...(replaces && { replaces }) }),
      (made) => ({
        verb: "create",
        id: ref.id,
        ...(replaces && { replaces: replaces.id }),
        answer: made && { session: seen(made.session) },
      }),
    );
  }

  async function onAll(store: SessionStore<string>, user: number, ref: SessionRef, dice: number): Promise<void> {
    if (dice < 91)
      await record(
        user,
        () => store.revokeOthers(ref),
        (ended) => ({ verb: "revokeOthers", id: ref.id, answer: { ended } }),
      );
    else if (dice < 93)
      await record(
        user,
        () => store.revokeAll(ref.handle),
        (ended) => ({ verb: "revokeAll", answer: { ended } }),
      );
    else
      await record(
        user,
        () => store.list(ref.handle),
        (found) => ({ verb: "list", answer: { sessions: found?.map((one) => seen(whole(one))) } }),
      );
  }

  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (begun < operations) {
        begun += 1;
        await act();
      }
    }),
  );
  connection?.close();
  await send({ operations: written });
}

const monotonic = () => Number(process.hrtime.bigint() / 1000n) / 1000;
const maybe = (found: Session<string> | undefined) => (found ? { session: seen(found) } : {});

function seen({ origin: _, ...session }: Session<string>): Seen {
  return session;
}
