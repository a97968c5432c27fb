import type { Clock } from "../clock.ts";
import { type Item, type Key, type Table, tableDefinition } from "../dynamo/index.ts";
import { TenureError } from "../errors.ts";
import type { Assistant, AssistantStore } from "./store.ts";

const partition = (id: string) => `assistant#${id}`;
const currentKey = (id: string): Key => ({ pk: partition(id), sk: "assistant" });
const VERSIONS = "version#";
const versionKey = (id: string, version: number): Key => ({
  pk: partition(id),
  sk: `${VERSIONS}${String(version).padStart(6, "0")}`,
});

const TRIES = 20;

export function createAssistantStore(table: Table, clock: Clock): AssistantStore {
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
      const created = await table.putIfAbsent({
        ...currentKey(id),
        ...{ owner, highest: 1, data: JSON.stringify(assistant) },
        ...{ ipk: `assistants#${owner}`, isk: `${String(now).padStart(15, "0")}#${id}` },
      });
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

    async change(id, owner, change) {
      for (let tries = 0; tries < TRIES; tries++) {
        const seen = await current(id, owner);
        if (!seen) return undefined;
        const assistant: Assistant = {
          ...seen.assistant,
          ...change,
          metadata: { ...seen.assistant.metadata, ...change.metadata },
          version: seen.highest + 1,
          updatedAt: clock.now(),
        };
        // The version first: what is used is always among them.
        await table.put({ ...versionKey(id, assistant.version), owner, data: JSON.stringify(assistant) });
        if (await replace(assistant, assistant.version, seen)) return assistant;
      }
      throw new TenureError({ tag: "store-unavailable", store: "dynamodb", outcome: "not-applied" });
    },

    async *versions(id, owner) {
      const range = { pk: partition(id), prefix: VERSIONS, descending: true };
      for await (const item of table.query(range)) if (item.owner === owner) yield toAssistant(item);
    },

    async use(id, owner, version) {
      for (let tries = 0; tries < TRIES; tries++) {
        const [seen, item] = await Promise.all([current(id, owner), table.get(versionKey(id, version))]);
        if (!seen || !item || version > seen.highest) return undefined;
        const assistant = { ...toAssistant(item), updatedAt: clock.now() };
        if (await replace(assistant, seen.highest, seen)) return assistant;
      }
      throw new TenureError({ tag: "store-unavailable", store: "dynamodb", outcome: "not-applied" });
    },

    async remove(id, owner) {
      if (!(await current(id, owner))) return false;
      const keys: Key[] = [];
      for await (const { pk, sk } of table.query({ pk: partition(id), prefix: VERSIONS })) keys.push({ pk, sk });
      await table.deleteAll(keys);
      await table.deleteAll([currentKey(id)]);
      return true;
    },
  };
}

function toAssistant(item: Item): Assistant {
  try {
    return JSON.parse(String(item.data)) as Assistant;
  } catch (cause) {
    throw new TenureError({ tag: "store-corrupt", store: "dynamodb", what: `assistant ${item.pk}` }, { cause });
  }
}
