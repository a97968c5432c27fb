/** The service's own agent on the offline model, whose answers a test can stop in the middle. */
import type { GraphFactory } from "@tenure/functions/graphs";
import { agent } from "../../../packages/functions/src/graphs/agent.ts";
import { OfflineModel } from "../../../packages/functions/src/graphs/offline-model.ts";

export class HeldAgent {
  private gate: Promise<void> = Promise.resolve();
  private open = (): void => {};

  /** From now on each answer says its first word, and then waits. */
  hold(): void {
    this.gate = new Promise((resolve) => {
      this.open = resolve;
    });
  }

  release(): void {
    this.open();
  }

  readonly graph: GraphFactory = ({ checkpointer }) => agent({ model: new HeldModel(() => this.gate), checkpointer });
}

class HeldModel extends OfflineModel {
  private readonly gate: () => Promise<void>;

  constructor(gate: () => Promise<void>) {
    super();
    this.gate = gate;
  }

  override async *_streamResponseChunks(...call: Parameters<OfflineModel["_streamResponseChunks"]>) {
    let isFirst = true;
    for await (const chunk of super._streamResponseChunks(...call)) {
      if (!isFirst) await this.gate();
      isFirst = false;
      yield chunk;
    }
  }
}
