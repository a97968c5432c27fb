import type { Clock } from "../clock.ts";
import { type Item, type Key, Owned, type Table, tableDefinition, untilDone } from "../dynamo/index.ts";
import { TenureError } from "../errors.ts";
import type { Assistant, AssistantStore } from "./store.ts";

const partition = (id: string) => `assistant#${id}`;
const currentKey = (id: string): Key => ({ pk: partition(id), sk: "assistant" });
const VERSIONS = "version#";
const versionKey = (id: string, version: number): Key => ({
  pk: partition(id),
  sk: `${VERSIONS}${String(version).padStart(6, "0")}`,
});

export function createAssistantStore(table: Table, clock: Clock): AssistantStore {
  const owned = new Owned(table, "assistant");

  async function current(id: string, owner: string): Promise<{ assistant: Assistant; highest: number } | undefined> {
    const item = await table.get(currentKey(id));
    return item?.owner === owner ? { assistant: toAssistant(item), highest: Number(item.highest) } : undefined;
  }

  /** Makes `assistant` the one that is used, unless somebody else was first. */
  function replace(
    assistant: Assistant,
    highest: number,
    seen: { assistant: Assistant; highest: number },
  ): Promise<boolean> {
    return table.update(currentKey(assistant.id), {
      expression: "SET #data = :data, highest = :highest",
      condition: "highest = :seen AND #data = :before",
      names: { "#data": "data" },
      values: {
        ":data": JSON.stringify(assistant),
        ":highest": highest,
        ":seen": seen.highest,
        ":before": JSON.stringify(seen.assistant),
      },
    });
  }

  return {
    async create(given) {
      const now = clock.now();
      const assistant: Assistant = { ...given, version: 1, createdAt: now, updatedAt: now };
      const { id, owner } = assistant;
      const item = {
        ...currentKey(id),
        ...{ owner, highest: 1, data: JSON.stringify(assistant) },
        ...{ ipk: `assistants#${owner}`, isk: `${String(now).padStart(15, "0")}#${id}` },
      };
      const [created] = await Promise.all([table.putIfAbsent(item), owned.add(owner, id)]);
      if (!created) return false;
      await table.put({ ...versionKey(id, 1), owner, data: JSON.stringify(assistant) });
      return assistant;
    },

    async get(id, owner) {
      return (await current(id, owner))?.assistant;
    },

    async *list(owner) {
      const index = tableDefinition.index.name;
      for await (const item of table.queryIndex(index, `assistants#${owner}`, { descending: true }))
        yield toAssistant(item);
    },

    change(id, owner, change) {
      let written: Key | undefined;
      return untilDone(async () => {
        const seen = await current(id, owner);
        if (!seen) {
          // The assistant was deleted meanwhile, and this version after its others.
          if (written) await table.deleteAll([written]);
          return undefined;
        }
        const assistant: Assistant = {
          ...seen.assistant,
          ...change,
          metadata: { ...seen.assistant.metadata, ...change.metadata },
          version: seen.highest + 1,
          updatedAt: clock.now(),
        };
        // The version first: what is used is always among them.
        written = versionKey(id, assistant.version);
        await table.put({ ...written, owner, data: JSON.stringify(assistant) });
        return (await replace(assistant, assistant.version, seen)) ? assistant : "again";
      });
    },

    async *versions(id, owner) {
      const range = { pk: partition(id), prefix: VERSIONS, descending: true };
      for await (const item of table.query(range)) if (item.owner === owner) yield toAssistant(item);
    },

    use: (id, owner, version) =>
      untilDone(async () => {
        const [seen, item] = await Promise.all([current(id, owner), table.get(versionKey(id, version))]);
        if (!seen || !item || version > seen.highest) return undefined;
        const assistant = { ...toAssistant(item), updatedAt: clock.now() };
        return (await replace(assistant, seen.highest, seen)) ? assistant : "again";
      }),

    async remove(id, owner) {
      const item = await table.get(currentKey(id));
      const isOwn = item?.owner === owner;
      if (isOwn) {
        const keys: Key[] = [];
        for await (const { pk, sk } of table.query({ pk: partition(id), prefix: VERSIONS })) keys.push({ pk, sk });
        await table.deleteAll(keys);
        await table.deleteWhere(currentKey(id), "owner", owner);
      }
      await table.deleteAll([owned.keyOf(owner, id)]);
      return isOwn;
    },

    idsOf: (owner) => owned.ids(owner),
  };
}

function toAssistant(item: Item): Assistant {
  try {
    return JSON.parse(String(item.data)) as Assistant;
  } catch (cause) {
    throw new TenureError({ tag: "store-corrupt", store: "dynamodb", what: `assistant ${item.pk}` }, { cause });
  }
}
