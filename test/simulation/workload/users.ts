/** The users of one history: what each does, in which order, and what they make of answers that do not come. */
import { hash } from "../world/random.ts";
import { Clients } from "./clients.ts";
import type { Cancel, Edit, Message, Operation, Postpone, Remove, ThreadPlan, Watch } from "./plan.ts";
import { FAR_OFF_S } from "./plan.ts";
import type { Result, Seen, Sent } from "./record.ts";
import { type Requests, TRIES } from "./requests.ts";

const UNKNOWN: { result: Result; run?: string } = { result: "unknown" };
/** For what is to be done in the end, whatever befalls the processes. */
const MANY_TRIES = 60;
/** True for a message that is not to begin while its history lasts. */
const isFarOff = ({ delay }: Message) => delay >= FAR_OFF_S;
const RESULTS: readonly Result[] = ["acked", "unknown", "refused", "not-applied"];

/** A text that compression does not make much smaller. */
const LARGE = Array.from({ length: 40_000 }, (_, n) => hash(n, "large").toString(36)).join("");

interface State {
  values: { said?: string[] };
  next: string[];
  tasks: { interrupts: { value: unknown }[] }[];
  checkpoint: { checkpoint_id: string } | null;
}

export class Users {
  private readonly requests: Requests;
  private readonly clients: Clients;
  private readonly seen: Seen;
  private readonly without: ReadonlySet<string>;

  constructor(requests: Requests, without: ReadonlySet<string>) {
    this.requests = requests;
    this.clients = new Clients(requests);
    this.seen = requests.seen;
    this.without = without;
  }

  async useThread(plan: ThreadPlan): Promise<void> {
    const created = await this.requests.insist("POST", "/threads", {
      body: { thread_id: plan.id, if_exists: "do_nothing" },
      tries: 30,
    });
    if (created.result !== "acked") throw new Error(`no thread: ${created.result}`);
    const operations = plan.operations.filter(({ id }) => !this.without.has(id));
    const all = operations.map((one) =>
      plan.style !== "chat" && one.kind === "message" ? this.converse(plan, one) : this.perform(plan, one),
    );
    await Promise.all(all);
  }

  private async perform(plan: ThreadPlan, operation: Operation): Promise<void> {
    await this.requests.sleep(operation.at);
    switch (operation.kind) {
      case "message":
        return this.send(plan, operation);
      case "cancel":
        return this.cancel(plan, operation);
      case "watch":
        return this.watch(plan, operation);
      case "edit":
        return this.edit(plan, operation);
      case "postpone":
        return this.postpone(plan, operation);
      default:
        return this.remove(plan, operation);
    }
  }

  /** Plays a single user, who reads what is asked and answers that, until there is nothing more. */
  private async converse(plan: ThreadPlan, first: Message): Promise<void> {
    await this.send(plan, { ...first });
    const { answers = 7 } = first;
    for (let turn = 1; turn <= answers; turn++) {
      const state = await this.stateOf(plan.id);
      if (!state) return;
      const question = state.tasks.flatMap(({ interrupts }) => interrupts)[0]?.value;
      const isAtBreak = plan.style === "guard" && state.next.includes("guarded");
      if (question === undefined && !isAtBreak) return;
      const operation: Message = { ...first, id: `${first.id}${turn}`, at: 0, ...(isAtBreak && { breaks: {} }) };
      const body = isAtBreak ? { input: null } : { command: { resume: `ok:${question}` } };
      await this.send(plan, operation, body, first.id);
    }
  }

  private async send(plan: ThreadPlan, operation: Message, asked?: object, token = operation.id): Promise<void> {
    const { graph, strategy, steps, pace, durability, delay, breaks, stateless } = operation;
    const sent: Sent = { operation, thread: plan.id, token, began: this.requests.now };
    let forked: object = {};
    if (operation.fork !== undefined) {
      const from = await this.checkpointOf(plan.id, operation.fork);
      if (!from) return;
      sent.base = from.values.said ?? [];
      forked = { checkpoint: { checkpoint_id: from.checkpoint?.checkpoint_id } };
    }
    sent.began = this.requests.now;
    this.seen.sent.push(sent);
    const body = {
      ...{ assistant_id: graph, multitask_strategy: strategy, durability, metadata: { op: operation.id } },
      ...(asked ?? { input: { said: [token], token, steps, pace } }),
      ...forked,
      ...(delay > 0 && { after_seconds: delay }),
      ...(breaks?.before && { interrupt_before: breaks.before }),
      ...(breaks?.after && { interrupt_after: breaks.after }),
      ...{ stream_mode: "values" },
      ...(operation.isLarge && { context: { large: LARGE } }),
    };
    const place = stateless ? "/runs" : `/threads/${plan.id}/runs`;
    const tries = isFarOff(operation) ? MANY_TRIES : TRIES;
    const begin = async (isAgain: boolean) => {
      if (isAgain) await this.requests.sleep(operation.again ?? 0);
      const headers = { "Idempotency-Key": operation.id };
      if (operation.how === "leave" || isAgain) {
        const answer = await this.requests.insist("POST", place, { headers, body, tries });
        if (answer.result === "acked") sent.admitted ??= this.requests.now;
        return answer;
      }
      return this.clients.begin(sent, place, headers, body);
    };
    const answers = await Promise.all([begin(false), ...(operation.again === undefined ? [] : [begin(true)])]);
    // Of the same message sent twice, one may be refused while the other is taken.
    const answer = RESULTS.flatMap((result) => answers.filter((one) => one.result === result))[0] ?? UNKNOWN;
    sent.result = answer.result;
    sent.ended = this.requests.now;
    if (answer.run) sent.run = answer.run;
    if (asked && "input" in asked && answer.run) this.seen.approvals.add(answer.run);
    if (answer.result !== "acked" || !sent.run) return;
    // A single user waits for the end of what they began; many go on.
    if (plan.style !== "chat" && operation.how === "leave" && !isFarOff(operation))
      await this.clients.follow(sent, "wait", -1, operation.id);
  }

  private async cancel(plan: ThreadPlan, operation: Cancel, tries = TRIES): Promise<void> {
    const run = await this.runOf(operation.of);
    if (!run) return;
    const seen = { operation, run, began: this.requests.now } as Seen["cancels"][number];
    this.seen.cancels.push(seen);
    const query = `?action=${operation.action}&wait=${operation.wait}`;
    const { result } = await this.requests.insist("POST", `/threads/${plan.id}/runs/${run}/cancel${query}`, { tries });
    Object.assign(seen, { result, ended: this.requests.now });
  }

  /** Sends a message that is to begin much later, and cancels it. */
  private async postpone(plan: ThreadPlan, { id, message, cancel }: Postpone): Promise<void> {
    await this.send(plan, message);
    await this.requests.sleep(cancel.at);
    await this.cancel(plan, cancel, MANY_TRIES);
    if (!this.seen.cancels.some(({ operation }) => operation === cancel)) throw new Error(`${id} is not cancelled`);
  }

  private async watch(_plan: ThreadPlan, operation: Watch): Promise<void> {
    const run = await this.runOf(operation.of);
    const sent = this.seen.sent.find((one) => one.operation.id === operation.of);
    if (run && sent && !sent.operation.stateless)
      await this.clients.follow({ ...sent, run }, operation.how, operation.after, operation.id);
  }

  private async edit(plan: ThreadPlan, operation: Edit): Promise<void> {
    const token = `edit:${operation.id}`;
    const seen = { operation, thread: plan.id, token, began: this.requests.now } as Seen["edits"][number];
    this.seen.edits.push(seen);
    const body = { values: { said: [token] }, as_node: "answer" };
    const { result } = await this.requests.insist("POST", `/threads/${plan.id}/state`, { body, tries: 1 });
    Object.assign(seen, { result, ended: this.requests.now });
  }

  private async remove(plan: ThreadPlan, operation: Remove): Promise<void> {
    const seen = { operation, thread: plan.id, began: this.requests.now } as Seen["removes"][number];
    this.seen.removes.push(seen);
    const { result } = await this.requests.insist("DELETE", `/threads/${plan.id}`);
    Object.assign(seen, { result, ended: this.requests.now });
  }

  /** The run of a message that was acknowledged; waits for a moment where it is not yet. */
  private async runOf(id: string): Promise<string | undefined> {
    for (let tries = 0; tries < 5; tries++) {
      const sent = this.seen.sent.find((one) => one.operation.id === id);
      if (sent?.run) return sent.run;
      await this.requests.sleep(200);
    }
    return undefined;
  }

  private async stateOf(thread: string): Promise<State | undefined> {
    return (await this.requests.look<State>("GET", `/threads/${thread}/state`))?.body;
  }

  private async checkpointOf(thread: string, back: number): Promise<State | undefined> {
    const history = (await this.requests.look<State[]>("POST", `/threads/${thread}/history`, { limit: 8 }))?.body;
    return history?.length ? history[Math.min(back, history.length - 1)] : undefined;
  }
}
