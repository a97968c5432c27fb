/**
 * Holds one conversation, as the page knows it.
 *
 *     blank    no thread yet: the first message makes one
 *     loading  its state is asked for
 *     idle     a turn may begin
 *     sending  a request to begin a run is under way; nobody knows yet whether it is on record
 *     running  a run is on record, and its events come
 *     lost     the connection to a run broke; the page tries again by itself, for a while
 *     asking   the agent waits for a person's answer
 *     stopped  something is left to do, and no run does it
 *     failed   as stopped, by an error
 *     unread   its state could not be read
 *     gone     the thread is not there any more
 *
 *     any -> loading -> idle | asking | stopped | failed | running | unread | gone
 *     blank, idle, asking, stopped, failed -> sending -> running     the run is on record
 *                                                     -> as before   refused, or no answer
 *     running -> idle | asking | stopped | failed | lost
 *     lost    -> running | unread
 *
 * Never: two requests for one press; what was sent without an answer, sent again under another key; events of one thread in another.
 */
import type { AgentClient, Sent, Step } from "../server/agent.ts";
import { Failure, failureOf } from "../server/failure.ts";
import { pause } from "../server/http.ts";
import type { Chat } from "../server/message.ts";

export type Phase =
  | "blank"
  | "loading"
  | "idle"
  | "sending"
  | "running"
  | "lost"
  | "asking"
  | "stopped"
  | "failed"
  | "unread"
  | "gone";

const CAN_SEND: ReadonlySet<Phase> = new Set(["blank", "idle", "asking", "stopped", "failed"]);
const NOTHING: Chat = { messages: [], question: undefined, isUnfinished: false };
const FIRST_PAUSE_MS = 1_000;
const TRIES = 6;
const NOT_SENT = "The agent was at work on an earlier message, so that yours was not sent. Send it now.";

interface Listener {
  /** Called after every change. */
  changed(): void;
  /** A thread has its first run on record: it can be found again by this id. */
  made(threadId: string): void;
  /** A thread was opened, or a turn of it is over: its checkpoints have to be read again. */
  settled(isTurn: boolean): void;
  /** A request to begin a run has been answered whose thread is not shown any more; with its failure, it began none. */
  elsewhere(failure?: Failure): void;
  /** Takes a failure that concerns the session. */
  handled(failure: Failure): boolean;
}

export class Conversation {
  threadId = "";
  title = "";
  phase: Phase = "blank";
  failure: Failure | undefined;
  /** The checkpoint to go on from, when it is not the last one. */
  from: Step | undefined;
  private present = NOTHING;
  private runId: string | undefined;
  /** Rises with every thread that is opened and every request: what belongs to an earlier one is passed over. */
  private turn = 0;
  /** The keys of requests that are not known to be on record. */
  private readonly unanswered = new Map<string, string>();
  /** The id of the thread that the next message makes; kept while a request for it is not answered. */
  private newId: string | undefined;
  /** Sends again what was refused last, as it was. */
  private resend: (() => Promise<void>) | undefined;
  private isClosed = false;
  /** Ends the watching of the turn's run. */
  private watching = new AbortController();
  private readonly agent: AgentClient;
  private readonly on: Listener;

  constructor(agent: AgentClient, on: Listener) {
    this.agent = agent;
    this.on = on;
  }

  /** The chat at the checkpoint that the next message goes on from. */
  get chat(): Chat {
    return this.from ? { ...this.from.chat, question: undefined } : this.present;
  }

  get canSend(): boolean {
    return CAN_SEND.has(this.phase);
  }

  async open(threadId: string): Promise<void> {
    const turn = this.begin();
    if (threadId !== this.threadId) {
      this.present = NOTHING;
      this.title = "";
    }
    this.threadId = threadId;
    this.from = undefined;
    if (![...this.unanswered.keys()].some((request) => request.startsWith(`["${this.newId}"`))) this.newId = undefined;
    this.become(threadId ? "loading" : "blank");
    if (!threadId) return this.on.settled(false);
    await this.settle(turn, { isTurn: false });
  }

  /** Calls `accepted` once the words are on record; until then they are the page's to keep. */
  say(text: string, accepted: () => void): Promise<void> {
    const checkpointId = this.from?.checkpointId;
    return this.send({ text, ...(checkpointId && { checkpointId }) }, accepted);
  }

  answer(approved: boolean): Promise<void> {
    return this.send({ approved, to: this.present.question?.id });
  }

  /** Carries out what a stopped or failed run has left. */
  goOn(): Promise<void> {
    return this.send({ goOn: true });
  }

  /** Does again what has failed: sends, reads, or lets the agent go on. */
  async again(): Promise<void> {
    if (this.resend) await this.resend();
    else if (this.phase === "failed" || this.phase === "stopped") await this.goOn();
    else await this.open(this.threadId);
  }

  /** Ends the run that is under way. Throws a Failure. */
  async stop(): Promise<void> {
    if (!this.runId || (this.phase !== "running" && this.phase !== "lost")) return;
    await this.agent.cancelRun(this.threadId, this.runId).catch((error: unknown) => {
      // A run that has ended meanwhile is stopped.
      if (failureOf(error).kind !== "gone") throw error;
    });
  }

  /** Shows the thread at a checkpoint, from where the next message goes on; undefined is the present. */
  travel(step: Step | undefined): void {
    this.from = step;
    this.on.changed();
  }

  /** Nothing of it is shown or told any more: its user has gone. */
  close(): void {
    this.begin();
    this.isClosed = true;
  }
  private elsewhere(failure?: Failure): void {
    if (!this.isClosed) this.on.elsewhere(failure);
  }

  private begin(): number {
    // A request that nobody has answered yet is followed until it is on record. A run that is goes on without its watcher.
    if (this.phase !== "sending") this.watching.abort();
    this.watching = new AbortController();
    this.turn += 1;
    this.runId = undefined;
    this.failure = undefined;
    this.resend = undefined;
    return this.turn;
  }

  private become(phase: Phase, failure?: Failure): void {
    this.phase = phase;
    this.failure = failure;
    this.on.changed();
  }

  private watcher(turn: number, accepted: () => void = () => {}) {
    const { watching } = this;
    return {
      signal: watching.signal,
      accepted: (runId: string) => {
        accepted();
        if (turn !== this.turn) return watching.abort();
        this.runId = runId;
        this.become("running");
      },
      show: (chat: Pick<Chat, "messages" | "question">) => {
        if (turn !== this.turn) return;
        this.present = { ...chat, isUnfinished: false };
        this.on.changed();
      },
    };
  }

  private async send(sent: Sent, accepted: () => void = () => {}): Promise<void> {
    if (!this.canSend) return;
    const before = this.phase;
    const turn = this.begin();
    this.newId ??= crypto.randomUUID();
    const id = this.threadId || this.newId;
    const request = JSON.stringify([id, sent]);
    const key = this.unanswered.get(request) ?? crypto.randomUUID();
    this.unanswered.set(request, key);
    let isOnRecord = false;
    this.become("sending");
    const watcher = this.watcher(turn, () => {
      isOnRecord = true;
      this.unanswered.delete(request);
      if (this.newId === id) this.newId = undefined;
      accepted();
      if (turn !== this.turn) return this.elsewhere();
      this.from = undefined;
      if (!this.threadId) this.on.made(id);
      this.threadId = id;
    });
    try {
      await this.agent.begin({ threadId: id, isNew: id !== this.threadId, sent, key }, watcher);
    } catch (error) {
      if (turn !== this.turn) return isOnRecord ? undefined : this.elsewhere(failureOf(error));
      if (!isOnRecord) {
        this.resend = () => this.send(sent, accepted);
        return this.refused(before, failureOf(error));
      }
      if (!(error instanceof this.agent.RunFailed)) return this.rejoin(turn);
    }
    await this.settle(turn);
  }

  /** The request did not begin a run, or nobody knows. */
  private refused(before: Phase, failure: Failure): void {
    const isHandled = this.on.handled(failure);
    if (failure.tag === "checkpoint-not-found") {
      this.from = undefined;
      this.on.settled(false);
    }
    this.become(failure.tag === "thread-not-found" ? "gone" : before, isHandled ? undefined : failure);
    // Somebody else's turn, or one whose answer was lost: it is shown.
    if (failure.kind === "busy") void this.watch();
  }

  private async watch(): Promise<void> {
    const turn = this.begin();
    await this.rejoin(turn);
    if (turn === this.turn && this.canSend) this.become(this.phase, new Failure("refused", NOT_SENT));
  }

  /** Finds the run again whose connection broke, and follows it; then reads what has become of the thread. */
  private async rejoin(turn: number, misses = 0): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    let isFound = false;
    for (let attempt = 1; turn === this.turn; attempt++) {
      try {
        isFound = await this.agent.rejoin(this.threadId, this.watcher(turn));
        break;
      } catch (error) {
        if (turn !== this.turn) return;
        if (error instanceof this.agent.RunFailed) break;
        const failure = failureOf(error);
        if (!failure.isPassing || attempt === TRIES) return this.unread(failure);
        this.become("lost", failure);
        await pause(pauseMs);
        pauseMs *= 2;
      }
    }
    await this.settle(turn, { misses: isFound ? 0 : misses + 1 });
  }

  /**
   * Reads the thread's state, which is the truth of it, whatever the events have told. `misses` counts how often in a row the thread
   * was busy with no run of its to be found.
   */
  private async settle(turn: number, { misses = 0, isTurn = true } = {}): Promise<void> {
    if (turn !== this.turn) return;
    try {
      const { chat, title, isBusy } = await this.agent.openThread(this.threadId);
      if (turn !== this.turn) return;
      this.present = chat;
      this.title = title;
      this.on.settled(isTurn);
      if (!isBusy) return this.become(phaseOf(chat));
      if (misses > TRIES) return this.unread(new Failure("busy", "The agent is still at work in this thread."));
      this.become("running");
    } catch (error) {
      if (turn === this.turn) this.unread(failureOf(error));
      return;
    }
    if (misses > 0) await pause(FIRST_PAUSE_MS * 2 ** misses);
    await this.rejoin(turn, misses);
  }

  private unread(failure: Failure): void {
    this.on.handled(failure);
    this.become(failure.tag === "thread-not-found" ? "gone" : "unread", failure);
  }
}

function phaseOf({ question, error, isUnfinished }: Chat): Phase {
  if (question) return "asking";
  if (error !== undefined) return "failed";
  return isUnfinished ? "stopped" : "idle";
}
