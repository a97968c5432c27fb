/** The plan of one history: what users do and what befalls them, all of which follows from the seed. */
import { CALL_FAULTS, type CallFault, type Weather } from "../faults.ts";
import { Random } from "../world/random.ts";

type Strategy = "reject" | "enqueue" | "interrupt" | "rollback";

interface Common {
  id: string;
  /** Milliseconds since the thread's users have begun; after the one before, where one user does all. */
  at: number;
}

export interface Message extends Common {
  kind: "message";
  graph: "chat" | "ask" | "guard";
  strategy: Strategy;
  steps: number;
  pace: number;
  durability: "sync" | "async" | "exit";
  how: "leave" | "wait" | "stream";
  /** Seconds until it may begin. */
  delay: number;
  /** Forks an earlier checkpoint: how many back, of those that there are. */
  fork?: number;
  /** Sent again with the same key after so long, by a client that has not heard the answer. */
  again?: number;
  /** Runs without a thread of its own. */
  stateless?: boolean;
  breaks?: { before?: string[]; after?: string[] };
  /** The number of questions that its user answers before they leave; all of them when left out. */
  answers?: number;
  /** Brings more than one record holds. */
  isLarge?: boolean;
}
export interface Cancel extends Common {
  kind: "cancel";
  /** The id of the message whose run it is. */
  of: string;
  action: "interrupt" | "rollback";
  wait: boolean;
}
export interface Watch extends Common {
  kind: "watch";
  of: string;
  how: "wait" | "stream";
  /** As if so many events had been seen. */
  after: number;
}
export interface Edit extends Common {
  kind: "edit";
}
export interface Remove extends Common {
  kind: "remove";
}
/** A message that is to begin when the history is over, and its cancel, so long after it was admitted. */
export interface Postpone extends Common {
  kind: "postpone";
  message: Message;
  cancel: Cancel;
}
export type Operation = Message | Cancel | Watch | Edit | Remove | Postpone;

/** The longest delay that a run can have, in seconds: one that waits for so long is cancelled before it begins. */
export const FAR_OFF_S = 15 * 60;
/** Clocks that are farther apart disagree on whether that has passed, in milliseconds. */
const SOME_SKEW_MS = 5000;

/** "chat" is of many users at once, and the others of one who waits for each answer before the next thing. */
type Style = "chat" | "ask" | "guard";

export interface ThreadPlan {
  id: string;
  style: Style;
  operations: Operation[];
}

export interface Plan {
  seed: number;
  weather: Weather;
  processes: number;
  hasQueue: boolean;
  shortPages: boolean;
  skews: number[];
  paces: number[];
  sleeps: boolean;
  jumps: { at: number; process: number; ms: number }[];
  threads: ThreadPlan[];
}

const threadId = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;

/** Parts of the environment that a shorter history may do without. */
export const ENVIRONMENT = ["skews", "paces", "index lag", "short pages", "redis away", "jumps"];

/** `without` names what is left out; all the rest is as it would be with it. */
export function planOf(seed: number, without: ReadonlySet<string>): Plan {
  const plan = wholePlan(seed);
  const { weather } = plan;
  const calmer = {
    ...weather,
    ...(without.has("index lag") && { indexLagMs: 0 }),
    ...(without.has("redis away") && { redisAway: [] }),
  };
  return {
    ...plan,
    weather: calmer,
    ...(without.has("jumps") && { jumps: [] }),
    ...(without.has("skews") && { skews: [0] }),
    ...(without.has("paces") && { paces: [1] }),
    ...(without.has("short pages") && { shortPages: false }),
  };
}

function wholePlan(seed: number): Plan {
  const random = new Random(seed, "plan");
  const processes = random.between(2, 3);
  const skewMs = random.weighted({ 0: 5, 300: 3, 5000: 2, 3600000: 1 });
  const skews = Array.from({ length: 8 }, () => random.between(-Number(skewMs), Number(skewMs)));
  const jumps = Array.from({ length: random.chance(0.25) ? random.between(1, 2) : 0 }, () => ({
    at: random.between(200, 20_000),
    process: random.between(0, processes - 1),
    ms: random.pick([-300_000, -40_000, -2000, -300, 300, 2000, 40_000, 300_000]),
  }));
  const styles: Style[] = [random.weighted({ chat: 6, ask: 2, guard: 2 })];
  if (random.chance(0.3)) styles.push(random.weighted({ chat: 1, ask: 1, guard: 1 }));
  return {
    ...{ seed, processes, skews, jumps, weather: weatherOf(random) },
    hasQueue: random.chance(0.75),
    shortPages: random.chance(0.2),
    paces: Array.from({ length: 8 }, () => 1 + (random.fraction() - 0.5) * 0.001),
    sleeps: random.chance(0.5),
    threads: styles.map((style, n) => ({
      id: threadId(n + 1),
      style,
      operations: operationsOf(random, seed, style, `t${n + 1}`, Number(skewMs)),
    })),
  };
}

function weatherOf(random: Random): Weather {
  const isCalm = random.chance(0.1);
  const weights: Partial<Record<CallFault, number>> = {};
  for (const fault of CALL_FAULTS) if (random.chance(0.45)) weights[fault] = random.between(1, 4);
  if (isCalm || Object.keys(weights).length === 0) weights.slow = 3;
  return {
    weights,
    perThousand: isCalm ? 10 : random.pick([10, 30, 60]),
    disruptions: isCalm ? 0 : random.between(0, 2),
    redisAway: random.chance(0.12) ? [[random.between(0, 3000), random.between(3000, 20_000)]] : [],
    indexLagMs: random.pick([0, 0, 300, 5000]),
  };
}

function postponedIn(random: Random, graph: "ask" | "guard", name: string, skewMs: number): Postpone[] {
  if (skewMs > SOME_SKEW_MS || !random.chance(0.35)) return [];
  const [id, of] = [`${name}p`, `${name}q`];
  const at = random.pick([0, 50, 1000]);
  const one = message(random, of, { graph, at, strategy: "enqueue", how: "leave", delay: FAR_OFF_S });
  const cancel = { ...{ kind: "cancel" as const, id: `${name}r`, of }, at: random.pick([100, 3000, 20_000]) };
  return [{ kind: "postpone", id, at, message: one, cancel: { ...cancel, action: "interrupt", wait: false } }];
}

function operationsOf(random: Random, seed: number, style: Style, name: string, skewMs: number): Operation[] {
  // Clocks an hour apart disagree by an hour on what is due.
  const undelayed = skewMs > SOME_SKEW_MS ? { delay: 0 } : {};
  if (style !== "chat") {
    const postponed = postponedIn(new Random(seed, `${name} postponed`), style, name, skewMs);
    // A run that waits in the line is in the way of those that want it empty.
    const strategy = postponed.length > 0 ? "enqueue" : "reject";
    const breaks = () => ({ breaks: random.chance(0.7) ? { before: ["guarded"] } : { after: ["prepare"] } });
    return [
      message(random, `${name}a`, {
        ...{ graph: style, strategy, at: 0 },
        ...(style === "guard" && breaks()),
        ...(postponed.length > 0 && { answers: seed % 3 }),
        ...undelayed,
      }),
      ...postponed,
    ];
  }
  const all: Operation[] = [];
  const messages: string[] = [];
  const preferred = random.pick<Strategy | undefined>(["interrupt", "enqueue", undefined, undefined]);
  const count = random.between(2, 5);
  let at = 0;
  for (let n = 0; n < count; n++) {
    const id = `${name}${"abcdefgh"[n]}`;
    at += random.pick([0, 5, 50, 300, 1000, 2500]);
    const of = messages.length > 0 ? random.pick(messages) : undefined;
    const kind = of ? random.weighted({ message: 10, cancel: 3, watch: 3, edit: 2, remove: 0.5 }) : "message";
    if (kind === "message") {
      messages.push(id);
      all.push(
        message(random, id, {
          at,
          ...(preferred && { strategy: preferred }),
          ...(of && random.chance(0.15) && { fork: random.between(0, 6) }),
          ...(random.chance(0.08) && { stateless: true }),
          ...(random.chance(0.01) && { isLarge: true }),
          ...undelayed,
        }),
      );
    } else if (kind === "cancel")
      all.push({
        ...{ kind, id, at, of: of ?? "", wait: random.chance(0.5) },
        action: random.pick(["interrupt", "rollback"]),
      });
    else if (kind === "watch")
      all.push({
        ...{ kind, id, at, of: of ?? "" },
        how: random.pick(["wait", "stream"]),
        after: random.pick([-1, -1, 0, 2]),
      });
    else all.push({ kind, id, at });
  }
  return all;
}

function message(random: Random, id: string, more: Partial<Message> & Pick<Message, "at">): Message {
  const made: Message = {
    ...{ id, kind: "message", graph: "chat" },
    strategy: random.weighted({ reject: 3, enqueue: 3, interrupt: 3, rollback: 2 }),
    steps: random.between(1, 3),
    pace: random.pick([0, 30, 200, 200, 1000, 15_000]),
    durability: random.weighted({ sync: 2, async: 3, exit: 1 }),
    how: random.weighted({ leave: 2, wait: 2, stream: 3 }),
    delay: random.chance(0.08) ? random.between(1, 4) : 0,
    ...(random.chance(0.12) && { again: random.pick([0, 20, 500, 3000]) }),
    ...more,
  };
  return made;
}
