/** The whole of Tenure in one process on loopback: both stores, the gateway, the API, the mailbox and the site. */
import { type Clock, systemClock } from "@tenure/core/clock";
import type { Finding } from "@tenure/functions/doctor";
import { Hono } from "hono";
import type { LocalConfig } from "./config.ts";
import { closeServer, listen } from "./listen.ts";
import { type Mail, Mailbox } from "./mailbox.ts";
import { createService, type LocalService, type ServiceOptions } from "./service.ts";
import { dated, withPages } from "./site.ts";
import type { LocalStores, StoreOptions } from "./stores/access.ts";

export interface Stack {
  url: string;
  /** The engines in use and where they are, in one line each. */
  engines: string[];
  /** Deletes what has expired from the embedded DynamoDB now, and returns how many items; elsewhere 0. */
  sweep(): Promise<number>;
  /** How it finds its stores. */
  examine(): Promise<Finding[]>;
  /** Ends runs, then requests, then the stores. Everything acknowledged is kept. */
  close(): Promise<void>;
}

export interface StackOptions extends Omit<ServiceOptions, "clock"> {
  /** Called with every message that would have been sent. */
  onMail: (mail: Mail) => void;
  /**
   * Epoch milliseconds, for tests that move time: the clock of both embedded engines, the sweeper, the API, the mailbox and
   * the answers' Date. Engines elsewhere keep to their own; timers and the windows of limits keep to the system's.
   */
  now?: () => number;
  /** The time between two rounds of the embedded DynamoDB's sweeper, in milliseconds; with `false` only `sweep` deletes. */
  sweepEveryMs?: number | false | undefined;
  /** Opens the stores in a thread of their own, where they keep to the system's clock; in this one when left out. */
  apart?: boolean;
}

export async function startStack(
  config: LocalConfig,
  { onMail, now = systemClock.now, sweepEveryMs, apart = false, ...options }: StackOptions,
): Promise<Stack> {
  const clock: Clock = { now };
  const opened: (() => unknown)[] = [];
  /** Undone in reverse order, when starting fails and when the stack is closed. */
  const closeAll = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    const stores = apart ? await openApart(config) : await openHere(config, { now, sweepEveryMs });
    opened.push(() => stores.close());
    const mailbox = new Mailbox(onMail, clock);
    const service = await createService(config, stores.access, mailbox, { ...options, clock });
    opened.push(() => service.close());
    const server = await listen(origin(service, mailbox, clock), config.port);
    opened.push(() => closeServer(server));
    service.watch();
    opened.push(() => service.stop());
    return {
      url: `http://localhost:${config.port}`,
      engines: [...stores.engines, ...service.lines],
      sweep: stores.sweep,
      examine: service.examine,
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Loads what the stores are made of only where they are opened. */
async function openApart(config: LocalConfig): Promise<LocalStores> {
  const { openStoresThread } = await import("./stores/thread.ts");
  return openStoresThread(config);
}

async function openHere(config: LocalConfig, options: StoreOptions): Promise<LocalStores> {
  const { openStores } = await import("./stores/open.ts");
  return openStores(config, options);
}

/** The API, the mailbox and the site under one origin. */
function origin({ api, examine }: LocalService, mailbox: Mailbox, clock: Clock): Hono {
  const app = new Hono();
  app.use(dated(clock));
  app.all("/api/*", (c) => api.fetch(c.req.raw, c.env));
  return withPages(app, { mailbox, health: examine });
}
