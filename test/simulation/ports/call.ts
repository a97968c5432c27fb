/** A call from a process to a store or a queue: it lands or not, and is answered or not. */
import type { Disruption, Faults, Port } from "../faults.ts";
import type { SimulatedProcess } from "../world/process.ts";

export interface Network {
  readonly faults: Faults;
  /** Disrupts the process whose call it is. */
  disrupt(process: SimulatedProcess, kind: Disruption, ms: number): void;
}

/** For a call that was refused before anything was done. */
export class Refused extends Error {}

/**
 * Resolves to what `land` gives, which runs at the moment in which the call lands, as nobody's code. Rejects with what it throws
 * and with `Refused`; never settles when the answer is lost. Waits for no longer than its caller: see `withDeadline`.
 */
export function call<T>(
  network: Network,
  process: SimulatedProcess,
  port: Port,
  what: string,
  land: () => T,
): Promise<T> {
  const { world } = process;
  const label = world.short(what);
  const fate = network.faults.fateOf(process, port, label);
  return new Promise<T>((resolve, reject) => {
    const answer = (settle: () => void) => {
      if (fate.answers !== undefined) world.after(fate.answers, process, settle);
    };
    const arrive = () => {
      let settle: () => void;
      let told = "";
      try {
        if (fate.isRefused) throw new Refused();
        const result = land();
        settle = () => resolve(result);
      } catch (error) {
        told = ` -> ${(error as Error).name}`;
        settle = () => reject(error);
      }
      world.note(`${process.name}: ${port} ${label}${told}`);
      if (fate.whenLanded) network.disrupt(process, fate.whenLanded.kind, fate.whenLanded.ms);
      answer(settle);
    };
    if (fate.lands !== undefined) world.after(fate.lands, undefined, arrive);
    if (fate.atOnce) {
      const { kind, ms } = fate.atOnce;
      // Not in the midst of what the process does.
      world.after(0, undefined, () => network.disrupt(process, kind, ms));
    }
  });
}
