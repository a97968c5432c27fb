/** Requests of users, sent again for as long as nobody knows what became of them. */
import type { Service } from "../service.ts";
import type { SimulatedProcess } from "../world/process.ts";
import { Random } from "../world/random.ts";
import { type Answer, ask, Broken } from "./http.ts";
import type { Result, Seen } from "./record.ts";

export const TRIES = 4;

export class Requests {
  readonly process: SimulatedProcess;
  readonly seen: Seen;
  private readonly services: () => Service[];
  private asked = 0;

  constructor(process: SimulatedProcess, services: () => Service[], seen: Seen) {
    this.process = process;
    this.services = services;
    this.seen = seen;
  }

  /** Reads until there is an answer; undefined when there is none for long. */
  async look<T>(method: string, path: string, body?: object): Promise<{ status: number; body?: T } | undefined> {
    for (let tries = 0; tries < 10; tries++) {
      try {
        const { status, text } = await ask(this.process, this.service(), { method, path, ...(body && { body }) });
        if (status < 500) return { status, ...(status === 200 && { body: JSON.parse(text) as T }) };
        if (status === 500) this.seen.faults.push(`${method} ${path} answers 500`);
      } catch (error) {
        if (!(error instanceof Broken)) throw error;
      }
      await this.pause(tries);
    }
    return undefined;
  }

  async insist(
    method: string,
    path: string,
    { headers = {}, body, tries = TRIES }: { headers?: Record<string, string>; body?: object; tries?: number } = {},
  ): Promise<{ result: Result; run?: string }> {
    let result: Result = "not-applied";
    for (let n = 0; n < tries; n++) {
      try {
        const answer = await ask(this.process, this.service(), { method, path, headers, ...(body && { body }) });
        result = this.resultOf(answer, result);
        if (answer.status === 500) this.seen.faults.push(`${method} ${path} answers 500`);
        if (result === "acked") {
          const { run_id: run } = (answer.text && JSON.parse(answer.text)) as { run_id?: string };
          return { result, ...(run && { run }) };
        }
        if (result === "refused") return { result };
      } catch (error) {
        if (!(error instanceof Broken)) throw error;
        result = "unknown";
      }
      await this.pause(n);
    }
    return { result };
  }

  /** Returns what is known of a request after one more answer. */
  resultOf({ status, text }: Answer, before: Result): Result {
    if (status < 300) return "acked";
    // The run was admitted, and rolled back before the answer.
    if (text.includes("/run-not-found")) return "unknown";
    // Where an earlier try is unknown, a refusal may be of what that one has done.
    if (status < 500) return before === "not-applied" ? "refused" : "unknown";
    return before === "not-applied" && text.includes('"outcome":"not-applied"') ? "not-applied" : "unknown";
  }

  service(): Service {
    const all = this.services();
    return new Random(this.process.world.seed, `service ${this.asked++}`).pick(all);
  }

  get now(): number {
    return this.process.world.now;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  pause(tries: number): Promise<void> {
    return this.sleep(Math.min(5000, 300 * 2 ** tries));
  }
}
