/** Deletions that are wrong on purpose, each in one way: what the histories are there to catch. */
import { keyedHandle } from "@tenure/core/token";
import type { User } from "@tenure/core/user";
import type { Deps } from "@tenure/functions/deps";
import { vi } from "vitest";
import * as deletion from "../../../packages/functions/src/agent/deletion.ts";
import { Hold } from "../../../packages/functions/src/agent/runs/execution/hold.ts";

interface Fault {
  name: string;
  /** The first schedule that shows it. */
  seed: number;
  /** Parts of the API that take the place of the right ones. */
  replace?: (deps: Deps) => Partial<Deps>;
  /** Breaks what no part is; it is mended by `vi.restoreAllMocks`. */
  breaks?: () => void;
}

async function* none(): AsyncGenerator<string> {}

export const faults: Fault[] = [
  {
    name: "a thread is closed only when its data goes",
    seed: 8,
    replace: ({ threads }) => ({
      threads: {
        ...threads,
        close: async (id, owner) => ((await threads.get(id, owner)) ? "free" : undefined),
        isClosed: async () => true,
        async erase(id, owner, beforeRuns) {
          if (await threads.close(id, owner)) await threads.erase(id, owner, beforeRuns);
        },
      },
    }),
  },
  {
    name: "sessions are revoked before the user is removed",
    seed: 31,
    replace: ({ sessions, users, pepper }) => ({
      sessions: { ...sessions, revokeAll: async () => 0 },
      users: {
        ...users,
        async close(user) {
          await sessions.revokeAll(keyedHandle(pepper, "user", user.id));
          return users.close(user);
        },
      },
    }),
  },
  {
    name: "a login does not look for its user again",
    seed: 111,
    replace({ sessions, users }) {
      const logins = new Map<string, User>();
      return {
        sessions: {
          ...sessions,
          async create(ref, options) {
            const created = await sessions.create(ref, options);
            const { userId: id, email } = options.data;
            logins.set(email, { id, email, createdAt: 0 });
            return created;
          },
        },
        users: {
          ...users,
          async find(email) {
            const found = logins.get(email) ?? (await users.find(email));
            logins.delete(email);
            return found;
          },
        },
      };
    },
  },
  {
    name: "a request does not look for its user again",
    seed: 12,
    breaks: () => void vi.mocked(deletion.keepForUser).mockImplementation(async () => {}),
  },
  {
    name: "an account's threads and assistants are found by the index alone",
    seed: 12,
    replace: ({ threads, assistants }) => ({
      threads: { ...threads, idsOf: none },
      assistants: { ...assistants, idsOf: none },
    }),
  },
  {
    name: "a deletion does not wait for the run that holds the thread",
    seed: 30,
    replace: ({ threads }) => ({ threads: { ...threads, holderOf: async () => undefined } }),
  },
  {
    name: "a run's writes are not guarded",
    seed: 35,
    breaks() {
      vi.spyOn(Hold.prototype, "stop").mockImplementation(() => {});
      vi.spyOn(Hold.prototype, "drained").mockImplementation(async () => {});
    },
  },
];
