/** Deletions as a sweep makes them, cut short at any step, and as DynamoDB does. */
import type { DynamoDBSaver } from "@tenure/core/checkpoint";
import type { Clock } from "@tenure/core/clock";
import type { DynamoDBDocumentClient } from "@tenure/core/dynamo";
import type { ThreadStore } from "@tenure/core/thread";
import { thinThread } from "@tenure/functions/deletion";
import type { Random } from "../support/random.ts";
import type { MemoryTable } from "../support/stores/memory-table/table.ts";

/** The owner of all threads. */
export const OWNER = "ada";

export interface Process {
  threads: ThreadStore;
  saver: DynamoDBSaver;
}

/** A fault that is put into a reader or the sweep. */
export interface Fault {
  /** The clock of the reads that are compared. */
  readerClock?: Clock;
  /** A reader that leaves `keep_latest` to the sweep. */
  ignoresFloors?: boolean;
  /** A sweep that deletes all heads but the newest, with no look at what that one refers to. */
  isGreedy?: boolean;
  /** A deletion after which nobody looks for what lands late. */
  forgetsLate?: boolean;
}

export class Deletions {
  private readonly client: DynamoDBDocumentClient;
  private readonly memory: MemoryTable;
  private readonly random: Random;
  private readonly fault: Fault;

  constructor(client: DynamoDBDocumentClient, memory: MemoryTable, random: Random, fault: Fault) {
    this.client = client;
    this.memory = memory;
    this.random = random;
    this.fault = fault;
  }

  async remove(pk: string, sk: string): Promise<void> {
    class DeleteCommand {
      input = { TableName: "t", Key: { pk, sk } };
    }
    await this.client.send(new DeleteCommand() as never);
  }

  async erase({ threads, saver }: Process, id: string): Promise<void> {
    const late = [...this.memory.items()].filter(({ pk }) => pk === `checkpoint#${id}`);
    await saver.eraseThread(id, () => threads.isClosed(id, OWNER));
    await threads.erase(id, OWNER);
    // A request that was sent before the deletion lands after it.
    for (const Item of late.slice(0, this.random(3))) {
      class PutCommand {
        input = { TableName: "t", Item };
      }
      await this.client.send(new PutCommand() as never);
    }
  }

  async thin(process: Process, id: string): Promise<void> {
    if (this.fault.isGreedy) {
      const newest = await process.saver.rootBelow(id, (await process.threads.thin(id)) as never);
      for (const { pk, sk } of [...this.memory.items()])
        if (pk === `checkpoint#${id}` && sk.startsWith("head##") && !sk.endsWith(newest)) await this.remove(pk, sk);
      return;
    }
    const { threads, saver: checkpointer } = process;
    if (this.random(4) > 0) await thinThread({ threads, checkpointer }, id);
    else {
      // The process dies once the root is stored.
      const incarnation = await threads.thin(id);
      if (typeof incarnation === "object")
        await threads.noteRoot(id, incarnation, await checkpointer.rootBelow(id, incarnation));
    }
  }

  /** Erases what has landed after its thread was deleted. */
  async eraseLate({ threads, saver }: Process, found: { id: string; at: number }): Promise<void> {
    if (!this.fault.forgetsLate) await saver.eraseThread(found.id, () => threads.isAbsent(found.id));
    await threads.forgetAfter(found);
  }
}
