/**
 * Brings a thread's next run to a process that has the time for it. Deployed, an SQS FIFO queue whose groups are the threads;
 * without one, this process is it.
 */
export interface RunQueue {
  /** At least once, and soon. Throws when nobody took it: then whoever looks for unfinished runs finds it. */
  send(threadId: string): Promise<void>;
}
