/** Who listens to which channels of the embedded engine. A message goes to those who listen at that moment, and is not kept. */
import type { Hearing } from "./engine.ts";
import { glob } from "./keyspace.ts";

interface Listener extends Hearing {
  matches: { name: string; test(channel: string): boolean }[];
}

export class Channels {
  private readonly listeners = new Set<Listener>();

  /** Adds a listener; returns what takes it off again. */
  listen(hearing: Hearing): () => void {
    const { kind, names } = hearing;
    const matches = names.map((name) => {
      const pattern = kind === "psubscribe" ? glob(name) : undefined;
      return { name, test: (channel: string) => (pattern ? pattern.test(channel) : channel === name) };
    });
    const listener = { ...hearing, matches };
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Tells everybody who listens; returns how many times it was told. */
  publish(channel: string, message: string): number {
    let told = 0;
    for (const { kind, matches, heard } of this.listeners)
      for (const { name } of matches.filter((one) => one.test(channel))) {
        heard(kind === "psubscribe" ? ["pmessage", name, channel, message] : ["message", channel, message]);
        told += 1;
      }
    return told;
  }
}
