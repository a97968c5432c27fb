/** Requests of users to simulated processes, in a time of their own and with patience. */
import type { Service } from "../service.ts";
import type { SimulatedProcess } from "../world/process.ts";

export interface Answer {
  status: number;
  text: string;
  headers: Headers;
}

/** The connection is gone: nobody knows what became of the request. */
export class Broken extends Error {}

const PATIENCE_MS = 20_000;
/** A stream says something every five seconds. */
const SILENCE_MS = 15_000;
const TOKEN = `${"A".repeat(22)}.${"B".repeat(43)}`;

interface Request {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
}

/**
 * The answer's parts, one after the other, as they come. To be called as code of `users`; throws `Broken` when the process dies,
 * or says nothing for too long.
 */
export async function* parts(
  users: SimulatedProcess,
  service: Service,
  { method, path, headers, body }: Request,
  silenceMs = SILENCE_MS,
): AsyncGenerator<{ head: Answer } | { text: string }> {
  const { world } = users;
  const { process } = service;
  let wake = () => {};
  const heard: ({ head: Answer } | { text: string } | "end" | "broken")[] = [];
  let isGone = false;
  let cancel = () => {};
  const tell = (what: (typeof heard)[number]) =>
    void world.after(0.5, users, () => {
      heard.push(what);
      wake();
    });
  const serve = async () => {
    const response = await service.api.request(`http://localhost/api${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${TOKEN}`,
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    tell({ head: { status: response.status, text: "", headers: response.headers } });
    const reader = response.body?.getReader();
    cancel = () => process.run(() => void reader?.cancel().catch(() => {}));
    if (isGone) cancel();
    const decoder = new TextDecoder();
    for (;;) {
      const next = await reader?.read();
      if (!next || next.done) return tell("end");
      tell({ text: decoder.decode(next.value, { stream: true }) });
    }
  };
  const broken = () => tell("broken");
  const forget = process.onDeath(broken);
  world.after(0.5, process, () => process.run(() => void serve().catch(broken)));
  try {
    for (;;) {
      const next = heard.shift();
      if (next === "end") return;
      if (next === "broken") throw new Broken();
      if (next) {
        yield next;
        continue;
      }
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Broken()), silenceMs);
        wake = () => {
          clearTimeout(late);
          resolve();
        };
      });
    }
  } finally {
    isGone = true;
    forget();
    world.after(0.5, process, () => cancel());
  }
}

/** A whole answer. Throws `Broken` when there is none in time. */
export async function ask(users: SimulatedProcess, service: Service, request: Request): Promise<Answer> {
  let answer: Answer | undefined;
  for await (const part of parts(users, service, request, PATIENCE_MS)) {
    if ("head" in part) answer = part.head;
    else if (answer) answer.text += part.text;
  }
  if (!answer) throw new Broken();
  return answer;
}
