/**
 * Brings a thread's next run to a process that has the time for it. Deployed, an SQS FIFO queue; without one, this process is it.
 * A message says only that there is something to look for: whoever gets it asks the thread, whose lease admits one at a time.
 */
export interface WorkQueue {
  /** At least once, and soon. Throws when nobody took it: then whoever looks for unfinished runs finds it. */
  send(threadId: string): Promise<void>;
  /**
   * Sends a thread that a sweep has found. Never held back by earlier messages of the thread, whose process may be
   * dead. Idempotent for the same thread and sweep. `sweep` names the sweep.
   */
  sendFound(threadId: string, sweep: string): Promise<void>;
}
