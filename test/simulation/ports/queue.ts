/** The queue that leads threads to workers: at least once, in any order. A message whose worker is gone comes again. */
import type { Runner } from "@tenure/functions/runs/runner";
import type { SimulatedProcess } from "../world/process.ts";
import { Random } from "../world/random.ts";
import { call, type Network } from "./call.ts";

type WorkQueue = NonNullable<NonNullable<ConstructorParameters<typeof Runner>[1]>["queue"]>;

/** A worker that can be given a message. */
export interface Worker {
  readonly process: SimulatedProcess;
  work(threadId: string): Promise<void>;
}

const VISIBILITY_MS = 60_000;
const MAX_RECEIVES = 20;

export class Queue {
  private readonly seen = new Set<string>();
  private readonly network: Network;
  /** Returns the workers that take messages now. */
  private readonly workers: () => Worker[];
  private sent = 0;

  constructor(network: Network, workers: () => Worker[]) {
    this.network = network;
    this.workers = workers;
  }

  of(process: SimulatedProcess): WorkQueue {
    const take = (threadId: string, id: string | undefined) => {
      if (id !== undefined && this.seen.has(id)) return;
      if (id !== undefined) this.seen.add(id);
      this.deliver(process, threadId, String(this.sent++), 1);
    };
    const send = (threadId: string, id: string | undefined) => {
      const sent = call(this.network, process, "queue", `send ${threadId}`, () => take(threadId, id));
      return new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error("the queue does not answer")), 3000);
        sent.then(resolve, reject).finally(() => clearTimeout(timer));
      });
    };
    return {
      send: (threadId) => send(threadId, undefined),
      sendFound: (threadId, sweep) => send(threadId, `${threadId} ${sweep}`),
    };
  }

  private deliver(from: SimulatedProcess, threadId: string, message: string, receives: number): void {
    const { world } = from;
    const random = new Random(world.seed, `queue ${message} ${receives}`);
    world.after(random.between(1, 30), undefined, () => {
      const workers = this.workers();
      const again = (ms: number) =>
        void (
          receives < MAX_RECEIVES &&
          world.after(ms, undefined, () => this.deliver(from, threadId, message, receives + 1))
        );
      if (workers.length === 0) return again(1000);
      const worker = random.pick(workers);
      let isDone = false;
      world.note(`${worker.process.name}: is sent ${threadId}`);
      worker.process.run(() =>
        worker.work(threadId).then(
          () => {
            isDone = true;
          },
          () => {},
        ),
      );
      world.after(VISIBILITY_MS, undefined, () => isDone || again(0));
    });
  }
}
