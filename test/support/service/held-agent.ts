/** The service's own agent on the offline model, whose answers a test can stop in the middle, or let fail. */
import type { GraphFactory } from "@tenure/functions/graphs";
import { agent } from "../../../packages/functions/src/graphs/agent.ts";
import { OfflineModel } from "../../../packages/functions/src/graphs/offline-model.ts";

export class HeldAgent {
  private gate: Promise<void> = Promise.resolve();
  private open = (): void => {};
  private failure: string | undefined;

  /** From now on each answer says its first word, and then waits. */
  hold(): void {
    this.gate = new Promise((resolve) => {
      this.open = resolve;
    });
  }

  release(): void {
    this.open();
  }

  /** The next answer is an error with these words. */
  fail(words: string): void {
    this.failure = words;
  }

  readonly graph: GraphFactory = ({ checkpointer }) => {
    const begin = () => {
      const words = this.failure;
      this.failure = undefined;
      if (words !== undefined) throw new Error(words);
    };
    return agent({ model: new HeldModel(begin, () => this.gate), checkpointer });
  };
}

class HeldModel extends OfflineModel {
  private readonly begin: () => void;
  private readonly gate: () => Promise<void>;

  constructor(begin: () => void, gate: () => Promise<void>) {
    super();
    this.begin = begin;
    this.gate = gate;
  }

  override async *_streamResponseChunks(...call: Parameters<OfflineModel["_streamResponseChunks"]>) {
    this.begin();
    let isFirst = true;
    for await (const chunk of super._streamResponseChunks(...call)) {
      if (!isFirst) await this.gate();
      isFirst = false;
      yield chunk;
    }
  }
}
