/**
 * Faults that the protocol once had, or could have, each put back into the real code by what stands around it. The simulator is a guard,
 * and a guard has to see the fault that it is there for.
 */
import { type DynamoDBDocumentClient, type Table, underGuard, type WriteGuard } from "@tenure/core/dynamo";
import { TenureError } from "@tenure/core/errors";
import type { Deps } from "@tenure/functions/deps";
import type { Patches } from "./service.ts";
import type { SimulatedProcess } from "./world/process.ts";

export interface KnownBad {
  name: string;
  patches: Patches;
}

interface Update {
  Key?: { pk: string; sk: string };
  Item?: Record<string, unknown> & { pk: string; sk: string };
  UpdateExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, unknown>;
}
interface Command {
  constructor: { name: string };
  input: Update;
}
type Send = (command: Command, options?: object) => Promise<Record<string, unknown>>;

/** A client whose requests go through `change`. */
function client(change: (command: Command, send: Send, process: SimulatedProcess) => Promise<unknown>) {
  return (own: DynamoDBDocumentClient, process: SimulatedProcess): DynamoDBDocumentClient => {
    const send: Send = (command, options) => own.send(command as never, options) as never;
    class DynamoDBDocumentClient {
      send(command: Command, options?: object): Promise<unknown> {
        return change(command, (changed) => send(changed, options), process);
      }
      destroy(): void {}
    }
    return new DynamoDBDocumentClient() as unknown as DynamoDBDocumentClient & never;
  };
}

const threads = (change: (deps: Deps, process: SimulatedProcess) => Partial<Deps["threads"]>): Patches => ({
  deps: (deps, process) => ({ threads: { ...deps.threads, ...change(deps, process) } }),
});
const events = (change: (deps: Deps) => Partial<Deps["events"]>): Patches => ({
  deps: (deps) => ({ events: { ...deps.events, ...change(deps) } }),
});
/** The saver is changed in place: the graphs have it already. */
const saver = (change: (saver: Deps["checkpointer"], deps: Deps) => void): Patches => ({
  deps: (deps) => {
    change(deps.checkpointer, deps);
    return {};
  },
});

const isThread = ({ input: { Key } }: Command) => Key?.sk === "thread";

/** The thread's record as it is stored, for a fault that looks at it with other eyes. */
async function stored(deps: Deps, threadId: string): Promise<Record<string, unknown>> {
  return (await tableOf(deps).get({ pk: `thread#${threadId}`, sk: "thread" })) ?? {};
}

/** A guard that waits for nothing and refuses nothing. */
const anybody: WriteGuard = { write: (write) => write(), check() {} };
const tableOf = ({ checkpointer }: Deps): Table => (checkpointer as unknown as { table: Table }).table;

export const knownBad: KnownBad[] = [
  {
    name: "a write that failed its condition when it was sent again is taken for its own",
    patches: {
      client: (own, process) => {
        const mine = new Map<string, unknown>();
        return client(async (command, send) => {
          const { Key, ExpressionAttributeValues = {} } = command.input;
          if (Key?.sk !== "thread") return send(command);
          if (command.constructor.name !== "GetCommand") {
            try {
              return await send(command);
            } catch (error) {
              if (":by" in ExpressionAttributeValues) mine.set(Key.pk, ExpressionAttributeValues[":by"]);
              throw error;
            }
          }
          const answer = await send(command);
          const by = mine.get(Key.pk);
          mine.delete(Key.pk);
          return by === undefined || !answer.Item ? answer : { ...answer, Item: { ...answer.Item, by } };
        })(own, process);
      },
    },
  },
  {
    name: "a takeover does not ask which answers were used",
    patches: saver((own) => {
      const asked = own.progressOf.bind(own);
      own.progressOf = async (...args) => ({ ...(await asked(...args)), writes: [] });
    }),
  },
  {
    name: "a takeover does not ask whether the input was used",
    patches: saver((own) => {
      const asked = own.progressOf.bind(own);
      own.progressOf = async (...args) => {
        const progress = await asked(...args);
        return { ...progress, checkpoint: undefined };
      };
    }),
  },
  {
    name: "a takeover walks through a breakpoint",
    patches: saver((own) => {
      const asked = own.progressOf.bind(own);
      own.progressOf = async (...args) => {
        const progress = await asked(...args);
        const { checkpoint } = progress;
        if (!checkpoint) return progress;
        const { channel_versions, versions_seen } = checkpoint.checkpoint;
        const seen = { ...versions_seen, __interrupt__: { ...channel_versions } };
        return {
          ...progress,
          checkpoint: { ...checkpoint, checkpoint: { ...checkpoint.checkpoint, versions_seen: seen } },
        };
      };
    }),
  },
  {
    name: "a change of the state takes no lease",
    patches: threads(({ threads: own }) => ({
      hold: async (id, owner) => {
        const thread = await own.get(id, owner);
        const lease = {
          id: "",
          threadId: id,
          runId: "",
          holder: "",
          fence: 0,
          expiresAt: Number.MAX_SAFE_INTEGER,
          since: 0,
        };
        return thread && { ...lease, since: performance.now(), life: thread.life };
      },
      free: async () => {},
    })),
  },
  {
    name: "writes of a run are not waited for, nor refused once it was stopped",
    patches: saver((own) => {
      const [put, putWrites] = [own.put.bind(own), own.putWrites.bind(own)];
      own.put = (...args) => underGuard(anybody, () => put(...args));
      own.putWrites = (...args) => underGuard(anybody, () => putWrites(...args));
    }),
  },
  {
    name: "the end of a run is forgotten by its thread",
    patches: {
      client: client((command, send) => {
        const { ExpressionAttributeValues: values } = command.input;
        if (!isThread(command) || typeof values?.[":ended"] !== "string") return send(command);
        return send({
          ...command,
          input: { ...command.input, ExpressionAttributeValues: { ...values, ":ended": "[]" } },
        });
      }),
    },
  },
  {
    name: "a run without a thread that is given back is deleted",
    patches: threads(({ threads: own }) => ({
      release: async (lease) => {
        await own.release(lease);
        const run = await own.run(lease.threadId, lease.runId);
        if (run?.request.on_completion !== "delete") return;
        await own.close(lease.threadId, run.owner);
        await own.erase(lease.threadId, run.owner);
      },
    })),
  },
  {
    name: "a message that is sent again ends the runs that came after it",
    patches: threads(({ threads: own }) => ({
      admit: async (run, options) => {
        const admitted = await own.admit(run, options);
        if (admitted !== "admitted" || !options.ends) return admitted;
        for (const other of (await own.get(run.threadId, run.owner))?.inflight ?? [])
          if (other === run.id) break;
          else await own.cancel(run.threadId, other, options.ends);
        return admitted;
      },
    })),
  },
  {
    name: "a process that was told to stop begins runs",
    patches: {
      runner: (runner) => {
        const yieldAll = runner.yieldAll.bind(runner);
        runner.yieldAll = () => {
          const yielded = yieldAll();
          runner.resume();
          return yielded;
        };
        return runner;
      },
    },
  },
  {
    name: "a refusal deletes the record of the same run that was admitted",
    patches: threads(({ threads: own }) => ({
      admit: async (run, options) => {
        const admitted = await own.admit(run, options);
        if (admitted === "busy") await own.removeRun(run.threadId, run.id);
        return admitted;
      },
    })),
  },
  {
    name: "a lease lapses by the judge's clock, whatever the holder's says",
    patches: {
      ...threads((deps) => ({
        begin: async (threadId, holder) => {
          const { leaseId, leaseExpiresAt } = await stored(deps, threadId);
          if (typeof leaseExpiresAt === "number" && leaseExpiresAt <= deps.clock.now())
            await tableOf(deps).update(
              { pk: `thread#${threadId}`, sk: "thread" },
              {
                expression: "REMOVE leaseId, leaseHolder, leaseExpiresAt",
                ...{ condition: "leaseId = :id", names: {}, values: { ":id": leaseId } },
              },
            );
          return deps.threads.begin(threadId, holder);
        },
      })),
    },
  },
  {
    name: "a lease lasts for as long as the holder's clock says",
    patches: threads((deps) => ({
      begin: async (threadId, holder) => {
        const { leaseExpiresAt } = await stored(deps, threadId);
        if (typeof leaseExpiresAt === "number" && leaseExpiresAt > deps.clock.now()) return { retryAt: leaseExpiresAt };
        return deps.threads.begin(threadId, holder);
      },
    })),
  },
  {
    name: "a takeover numbers its events from the first",
    patches: events(({ events: own }) => ({
      append: (batch) => own.append({ ...batch, first: batch.first % 1e9 }),
      read: (...args) => own.read(...args),
    })),
  },
  {
    name: "what was admitted is said not to have been",
    patches: threads(({ threads: own }) => ({
      admit: async (run, options) => {
        const admitted = await own.admit(run, options);
        const inflight = (await own.get(run.threadId, run.owner))?.inflight ?? [];
        if (admitted === "admitted" && inflight.length > 2)
          throw new TenureError({ tag: "store-unavailable", store: "dynamodb", outcome: "not-applied" });
        return admitted;
      },
    })),
  },
  {
    name: "the latest checkpoint is that of the latest clock",
    patches: saver((own) => {
      const get = own.getTuple.bind(own);
      own.getTuple = async (config) => {
        if (config.configurable?.checkpoint_id !== undefined) return get(config);
        let newest = "";
        for await (const { config: found } of own.list(config, { limit: 50 }))
          newest = [newest, String(found.configurable?.checkpoint_id)].toSorted().at(-1) ?? newest;
        return newest === ""
          ? undefined
          : get({ ...config, configurable: { ...config.configurable, checkpoint_id: newest } });
      };
    }),
  },
  {
    name: "the records of ended runs have no lifetime",
    patches: {
      client: client((command, send) => {
        const { UpdateExpression, Key } = command.input;
        if (!Key?.sk.startsWith("run#") || !UpdateExpression?.includes("expiresAt = ")) return send(command);
        const expression = UpdateExpression.replace(/, expiresAt = (if_not_exists\([^)]*\)|:\w+)/, "");
        const { ":expires": _, ...values } = command.input.ExpressionAttributeValues ?? {};
        return send({
          ...command,
          input: { ...command.input, UpdateExpression: expression, ExpressionAttributeValues: values },
        });
      }),
    },
  },
  {
    name: "a run that waits and is cancelled stays in the line",
    patches: threads(({ threads: own }) => ({
      cancel: async (threadId, runId, action) => {
        const run = await own.run(threadId, runId);
        return run?.status === "pending" && run.attempt === 0 ? "ended" : own.cancel(threadId, runId, action);
      },
    })),
  },
  {
    name: "a rollback keeps what the run has put",
    patches: threads(() => ({ undo: async () => true })),
  },
];
