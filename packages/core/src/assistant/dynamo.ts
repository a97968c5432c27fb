import type { Clock } from "../clock.ts";
import { Fields, isObject, type Json } from "../damage.ts";
import { type Item, type Key, Owned, type Table, tableDefinition, untilDone } from "../dynamo/index.ts";
import { refuseDamaged } from "../errors.ts";
import type { Assistant, AssistantStore } from "./store.ts";

const partition = (id: string) => `assistant#${id}`;
const currentKey = (id: string): Key => ({ pk: partition(id), sk: "assistant" });
const VERSIONS = "version#";
const versionKey = (id: string, version: number): Key => ({
  pk: partition(id),
  sk: `${VERSIONS}${String(version).padStart(6, "0")}`,
});

interface Current {
  assistant: Assistant;
  /** The stored text, to be compared with. */
  data: string;
  highest: number;
}

export function createAssistantStore(table: Table, clock: Clock): AssistantStore {
  const owned = new Owned(table, "assistant");

  async function current(id: string, owner: string): Promise<Current | undefined> {
    const item = await table.get(currentKey(id));
    return item?.owner === owner
      ? { assistant: toAssistant(item), data: String(item.data), highest: Number(item.highest) }
      : undefined;
  }

  /** Makes `assistant` the one that is used, unless somebody else was first. */
  function replace(assistant: Assistant, highest: number, seen: Current): Promise<boolean> {
    return table.update(currentKey(assistant.id), {
      expression: "SET #data = :data, highest = :highest",
      condition: "highest = :seen AND #data = :before",
      names: { "#data": "data" },
      values: {
        ":data": JSON.stringify(assistant),
        ":highest": highest,
        ":seen": seen.highest,
        ":before": seen.data,
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
      await owned.add(owner, id);
      if (!(await table.putIfAbsent(item))) {
        if (!(await current(id, owner))) await table.deleteAll([owned.keyOf(owner, id)]);
        return false;
      }
      const first = versionKey(id, 1);
      await table.putIfAbsent({ ...first, owner, data: JSON.stringify(assistant) });
      // The assistant may have been deleted before this version was there.
      if (!(await current(id, owner))) await table.deleteWhere(first, { owner });
      return assistant;
    },

    async get(id, owner) {
      return (await current(id, owner))?.assistant;
    },

    async *list(owner) {
      const items = table.queryIndex(tableDefinition.index.name, `assistants#${owner}`, { descending: true });
      const isThere = async (id: string) => (await current(id, owner)) !== undefined;
      const idOf = ({ pk }: Item) => pk.slice(partition("").length);
      for await (const item of owned.present(owner, items, { idOf, isThere })) yield toAssistant(item);
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
        refuseDamaged(seen.assistant);
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
        const earlier = toAssistant(item);
        refuseDamaged(earlier);
        const assistant = { ...earlier, updatedAt: clock.now() };
        return (await replace(assistant, seen.highest, seen)) ? assistant : "again";
      }),

    async remove(id, owner) {
      const item = await table.get(currentKey(id));
      const isOwn = item?.owner === owner;
      if (isOwn) {
        await table.deleteRange({ pk: partition(id), prefix: VERSIONS });
        await table.deleteWhere(currentKey(id), { owner });
      }
      await table.deleteAll([owned.keyOf(owner, id)]);
      return isOwn;
    },

    idsOf: (owner) => owned.ids(owner),
  };
}

const ADVICE = "Make an earlier version the latest one, or delete the assistant.";

/** An assistant or a version of one, as far as it can be read. */
function toAssistant(item: Item): Assistant {
  const stored = new Fields(item).json<Json>("data", isObject, {});
  const fields = new Fields(stored);
  const text = (name: string) => fields.text(name);
  const assistant: Assistant = {
    ...{ id: item.pk.slice(partition("").length), owner: ownerOf(item) },
    ...{ graphId: text("graphId"), version: fields.count("version", versionOf(item)), name: text("name") },
    description: stored.description === null ? null : text("description"),
    ...{ config: object("config"), context: object("context"), metadata: object("metadata") },
    createdAt: fields.instant("createdAt", Number.parseInt(String(item.isk), 10)),
    updatedAt: fields.instant("updatedAt"),
  };
  return { ...assistant, ...fields.damage(`assistant ${assistant.id}`, ADVICE) };

  function object(name: string): Json {
    const value = stored[name];
    return isObject(value) ? value : fields.lose(name, {});
  }
}

const ownerOf = ({ owner, ipk }: Item): string =>
  typeof owner === "string" ? owner : String(ipk).slice("assistants#".length);

const versionOf = ({ sk, highest }: Item): number =>
  (sk.startsWith(VERSIONS) ? Number(sk.slice(VERSIONS.length)) : Number(highest)) || 0;
