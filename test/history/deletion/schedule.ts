/** A schedule: some users with some data, then operations that overlap as a seed decides, then the checks. */
import { EVENTS_TTL_MS } from "@tenure/core/events";
import type { Deps } from "@tenure/functions/deps";
import { randomOf } from "../../support/random.ts";
import { check, lost, search, searchText } from "./checker.ts";
import { type Deletion, History, type User } from "./history.ts";
import { anyOperation, deleteAccount, deleteThread, probesOf } from "./operations.ts";
import { Steps } from "./steps.ts";
import { openWorld } from "./world.ts";

export interface Schedule {
  endpoint: string;
  seed: number;
  replace?: (deps: Deps) => Partial<Deps>;
}

export interface Outcome {
  violations: string[];
  trace: string[];
  deletions: Deletion[];
  statuses: number[];
}

const ADA = "ada@example.com";
const BOB = "bob@example.com";
const MIN_OPERATIONS = 4;
const MORE_OPERATIONS = 6;
/** After so long a deletion that was left to the sweep is gone on with, and every delayed run has been due. */
const IDLE_MS = 150_000;

export async function runSchedule({ endpoint, seed, replace = () => ({}) }: Schedule): Promise<Outcome> {
  const random = randomOf(seed);
  const steps = new Steps(random);
  const tableName = `history-${seed}-${crypto.randomUUID()}`;
  const world = await openWorld({ endpoint, steps, random, tableName, replace });
  const history = new History(world, steps, random);
  try {
    await steps.settled(prepare(history));
    steps.isOrderly = false;
    await overlap(history);
    steps.isOrderly = true;
    await steps.pass(IDLE_MS);
    for (const { runner } of world.processes) await steps.settled(runner.sweep());
    await steps.pass(1_000);
    for (const { runner } of world.processes) await steps.settled(runner.idle());
    const violations = [...check(history), ...search(history, await world.contents()), ...(await lost(history))];
    // The events of a run without a thread outlive it, for those who read them, and no longer than this.
    await steps.pass(EVENTS_TTL_MS);
    violations.push(...searchText(history, await world.contents()));
    const { trace } = steps;
    return { violations, trace, deletions: history.deletions, statuses: history.calls.map(({ status }) => status) };
  } catch (error) {
    throw new Error(`seed ${seed}: ${error}\n${steps.trace.slice(-80).join("\n")}`, { cause: error });
  } finally {
    await world.close();
  }
}

/** Ada has sessions in both processes, threads with and without a state, memory; Bob has a thread. */
async function prepare(history: History): Promise<void> {
  const { steps } = history;
  const ada = (await steps.as("prepare", () => history.logIn(ADA))) as User;
  await steps.as("prepare", () => history.logIn(ADA));
  const bob = (await steps.as("prepare", () => history.logIn(BOB))) as User;
  const [first, second] = [history.newThreadId(), history.newThreadId()];
  await history.newThread(ada, { thread_id: first });
  await history.newThread(ada, { thread_id: second });
  await history.newThread(bob, {});
  const marker = history.mark({ userId: ada.id, threadId: first });
  const body = { assistant_id: "noted", input: { marker, remembers: true } };
  await history.call(ada, "POST", `/threads/${first}/runs/wait`, { body });
}

/** Operations of both users and one deletion at least, each begun at any time, and reads after each deletion. */
async function overlap(history: History): Promise<void> {
  const { steps, random, deletions } = history;
  const open = new Set<Promise<void>>();
  let probed = 0;
  let count = 0;
  const begin = (name: string, work: () => Promise<unknown>) => {
    count += 1;
    const doing = steps
      .as(`${name} ${count}`, async () => {
        await steps.step("begins", async () => {});
        await work();
        // In the same turn: what is begun next is begun after it.
        for (const deletion of deletions.slice(probed))
          for (const probe of probesOf(history, deletion, ADA === emailOf(history, deletion) ? BOB : ADA))
            if (random(2) === 0) begin("probe", probe);
        probed = deletions.length;
      })
      .finally(() => open.delete(doing));
    open.add(doing);
  };
  const by = (email: string, operation: (history: History, user: User) => Promise<unknown>) => async () => {
    const user = history.userOf(email);
    if (user) await operation(history, user);
  };
  begin("delete by ada", by(ADA, random(2) === 0 ? deleteAccount : deleteThread));
  if (random(2) === 0) begin("log in by ada", () => history.logIn(ADA));
  for (let more = MIN_OPERATIONS + random(MORE_OPERATIONS); more > 0; more--) {
    const { name, operation } = anyOperation(history);
    const email = random(5) === 0 ? BOB : ADA;
    begin(`${name} by ${email.split("@")[0]}`, by(email, operation));
  }
  while (open.size > 0) await steps.settled(Promise.all(open));
}

const emailOf = ({ users }: History, { userId }: Deletion) => users.find(({ id }) => id === userId)?.email;
