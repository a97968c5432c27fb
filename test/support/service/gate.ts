/**
 * Gates force the order of things in a test: a step of a run stands before its gate until the test lets it pass, in
 * whichever process the run is. The test awaits that a step has come there, instead of guessing how long that takes.
 *
 * @example
 *   const gates = await startGates();
 *   const gate = gates.add();
 *   await client.runs.create(threadId, "gated", { input: { steps: 3, gate: gate.url } });
 *   await gate.reached(0);
 *   gate.open();
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WAIT_MS } from "../runner/size.ts";

/** A step of a run that has come to its gate, in one process. */
export interface Visit {
  /** Lets this one pass, and no other. */
  pass(): void;
  /** Resolves when it has left without having passed: its run was ended, or its process has died. */
  readonly gone: Promise<void>;
}

/** The gate of a run: each of its steps asks for leave at `<url>/<step>`, counted from 0. */
export class Gate {
  readonly url: string;
  private readonly found = new Map<number, Visit[]>();
  private readonly opened = new Set<number>();
  private isOpen = false;
  private readonly waiting = new Set<() => void>();

  constructor(url: string) {
    this.url = url;
  }

  /** Resolves when the step has come here, or has come so often. A run that is taken over comes again. */
  async reached(step: number, times = 1): Promise<Visit> {
    for (;;) {
      const visit = this.found.get(step)?.[times - 1];
      if (visit) return visit;
      await this.nextVisit(`step ${step} did not come to its gate for the ${times}. time`);
    }
  }

  /** Returns the number of times that the step has come here. */
  visits(step: number): number {
    return this.found.get(step)?.length ?? 0;
  }

  /** Lets the step pass now and whenever it comes; every step, when none is named. */
  open(...steps: number[]): void {
    if (steps.length === 0) this.isOpen = true;
    for (const step of steps) this.opened.add(step);
    for (const [step, visits] of this.found)
      if (this.isOpen || this.opened.has(step)) for (const one of visits) one.pass();
  }

  visit(step: number, response: ServerResponse): void {
    const pass = () => void response.end();
    const gone = new Promise<void>((resolve) => {
      response.once("close", () => {
        if (!response.writableEnded) resolve();
      });
    });
    this.found.set(step, [...(this.found.get(step) ?? []), { pass, gone }]);
    if (this.isOpen || this.opened.has(step)) pass();
    for (const wake of this.waiting) wake();
  }

  private nextVisit(otherwise: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${otherwise}; there were ${[...this.found.keys()]}`)), WAIT_MS);
      const wake = () => {
        clearTimeout(late);
        this.waiting.delete(wake);
        resolve();
      };
      this.waiting.add(wake);
    });
  }
}

export interface Gates {
  /** Adds a gate, which is closed. */
  add(): Gate;
  close(): Promise<void>;
}

export async function startGates(): Promise<Gates> {
  const gates = new Map<string, Gate>();
  const server = createServer((request, response) => {
    const [, name = "", step] = (request.url ?? "").split("/");
    // A connection that is used again may be closed at the very moment.
    response.setHeader("Connection", "close");
    gates.get(name)?.visit(Number(step), response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    add() {
      const name = String(gates.size);
      const gate = new Gate(`http://127.0.0.1:${port}/${name}`);
      gates.set(name, gate);
      return gate;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
