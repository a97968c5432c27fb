/** Faults of what is stored, and of what answers are taken for. */
import { underGuard } from "@tenure/core/dynamo";
import { anybody, client, events, isThread, type KnownBad, saver, tableOf } from "./wrap.ts";

interface Put {
  checkpointId: string;
  position: string;
}
interface Held {
  latest(of: { threadId: string; namespace: string }, given: object): Put | undefined;
  notePut(
    ref: { threadId: string; namespace: string; checkpointId: string },
    given: object | undefined,
    position: string,
    isAgain: boolean,
  ): void;
}

export const storeFaults: KnownBad[] = [
  {
    name: "a write that failed its condition when it was sent again is taken for its own",
    seed: 179,
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
    name: "the lease is given back before the last put has landed",
    seed: 71,
    patches: saver((own) => {
      const put = own.put.bind(own);
      own.put = async (config, checkpoint, ...rest) => {
        underGuard(anybody, () => put(config, checkpoint, ...rest)).catch(() => {});
        return { configurable: { ...config.configurable, checkpoint_id: checkpoint.id } };
      };
    }),
  },
  {
    name: "a rollback takes the heads of its run away",
    weather: { weights: { slow: 3, "slow-answer": 3, freezes: 1 }, perThousand: 150, disruptions: 4 },
    patches: saver((own, deps) => {
      const deleteRun = own.deleteRun.bind(own);
      own.deleteRun = async (threadId, ...rest) => {
        await deleteRun(threadId, ...rest);
        const table = tableOf(deps);
        const hidden = [];
        for await (const { pk, sk, e } of table.query({ pk: `checkpoint#${threadId}`, prefix: "head#" }))
          if (e === 0) hidden.push({ pk, sk });
        await table.deleteAll(hidden);
      };
    }),
  },
  {
    name: "the end of a run is forgotten by its thread",
    seed: 334,
    patches: {
      client: client((command, send) => {
        const { ExpressionAttributeValues: values } = command.input;
        if (!isThread(command) || typeof values?.[":ended"] !== "string") return send(command);
        return send({
          constructor: command.constructor,
          input: { ...command.input, ExpressionAttributeValues: { ...values, ":ended": "[]" } },
        });
      }),
    },
  },
  {
    name: "a takeover numbers its events from the first",
    seed: 39,
    patches: {
      deps: ({ events, threads: own }) => ({
        events: { ...events, append: (batch) => events.append({ ...batch, first: batch.first % 1e9 }) },
        threads: {
          ...own,
          settle: (lease, { lastEvent, ...outcome }) =>
            own.settle(lease, { ...outcome, ...(lastEvent !== undefined && { lastEvent: lastEvent % 1e9 }) }),
        },
      }),
    },
  },
  {
    name: "a log that does not answer is taken for one that has ended",
    seed: 2,
    patches: events(({ events: own }) => ({
      read: (...args) => own.read(...args).catch(() => ({ events: [], ended: true })),
    })),
  },
  {
    name: "the log of a run ends before the run does",
    seed: 2,
    patches: events(({ events: own }) => ({ append: (batch) => own.append({ ...batch, ended: true }) })),
  },
  {
    name: "the parts of a large request have no lifetime",
    seed: 38,
    patches: {
      client: client((command, send) => {
        const { RequestItems } = command.input;
        if (!RequestItems) return send(command);
        const kept = Object.entries(RequestItems).map(([name, requests]) => [
          name,
          requests.map((one) => {
            if (!one.PutRequest?.Item.sk.startsWith("request#")) return one;
            const { expiresAt: _, ...Item } = one.PutRequest.Item;
            return { PutRequest: { Item } };
          }),
        ]);
        return send({
          constructor: command.constructor,
          input: { ...command.input, RequestItems: Object.fromEntries(kept) },
        });
      }),
    },
  },
  {
    name: "the latest checkpoint is that of the latest clock",
    seed: 33,
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
    name: "a process goes on from what it has put, whoever has had the thread since",
    seed: 6,
    patches: saver((own) => {
      const { held } = own as unknown as { held: Held };
      const puts = new Map<string, Put>();
      const notePut = held.notePut.bind(held);
      held.notePut = (ref, given, position, isAgain) => {
        puts.set(`${ref.threadId} ${ref.namespace}`, { checkpointId: ref.checkpointId, position });
        notePut(ref, given, position, isAgain);
      };
      held.latest = ({ threadId, namespace }) => puts.get(`${threadId} ${namespace}`);
    }),
  },
  {
    name: "the records of ended runs have no lifetime",
    seed: 1,
    patches: {
      client: client((command, send) => {
        const { UpdateExpression, Key } = command.input;
        if (!Key?.sk.startsWith("run#") || !UpdateExpression?.includes("expiresAt = ")) return send(command);
        const expression = UpdateExpression.replace(/, expiresAt = (if_not_exists\([^)]*\)|:\w+)/, "");
        const { ":expires": _, ...values } = command.input.ExpressionAttributeValues ?? {};
        return send({
          constructor: command.constructor,
          input: { ...command.input, UpdateExpression: expression, ExpressionAttributeValues: values },
        });
      }),
    },
  },
];
