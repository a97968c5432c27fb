/**
 * The network between a page and the API, as bad as a test wants it. Everything else of the page is served as always.
 *
 * @example
 * const network = await Network.of(page.context(), clock);
 * network.slow(1_500);               // requests wait until the clock has moved so far
 * network.answer(502);               // a gateway answers in the service's place
 * network.lose("runs/stream");       // the request arrives, and its answer does not
 * network.restore();
 */
import type { BrowserContext, Route } from "playwright-core";
import type { SiteClock } from "./site-clock.ts";

interface Seen {
  method: string;
  path: string;
  key: string | undefined;
}

type Weather = (route: Route) => Promise<void>;

const UNAVAILABLE = JSON.stringify({
  type: "/api/problems/store-unavailable",
  title: "The service is unavailable",
  status: 503,
  detail: "The redis store did not answer (unknown). Try again shortly.",
});

export class Network {
  /** Each request that a page has sent to the API. */
  readonly seen: Seen[] = [];
  private readonly clock: SiteClock;
  private weather: Weather = (route) => route.continue();
  private pattern = "";
  /** Functions that let through the requests that wait. */
  private waiting: (() => void)[] = [];

  private constructor(clock: SiteClock) {
    this.clock = clock;
  }

  static async of(context: BrowserContext, clock: SiteClock): Promise<Network> {
    const network = new Network(clock);
    await context.route("**/api/**", async (route) => {
      const request = route.request();
      const { pathname } = new URL(request.url());
      // Not all headers: the browser tells of the rest when it likes, and this request waits for us.
      const key = request.headers()["idempotency-key"];
      network.seen.push({ method: request.method(), path: pathname, key });
      // A page that goes away takes its requests with it.
      await (pathname.includes(network.pattern) ? network.weather(route) : route.continue()).catch(() => {});
    });
    return network;
  }

  /** The number of requests of a method whose path ends so. */
  count(method: string, end: string): number {
    return this.seen.filter((one) => one.method === method && one.path.endsWith(end)).length;
  }

  restore(): void {
    this.set((route) => route.continue(), "");
    for (const pass of this.waiting.splice(0)) pass();
  }

  /** Requests whose path has `pattern` in it arrive when the clock has moved so far, or on `restore`. */
  slow(ms: number, pattern = ""): void {
    this.set(async (route) => {
      await Promise.race([this.clock.passed(ms), this.restored()]);
      await route.continue();
    }, pattern);
  }

  /** Requests do not arrive before `restore`. */
  hold(pattern = ""): void {
    this.set(async (route) => {
      await this.restored();
      await route.continue();
    }, pattern);
  }

  /** 502 and 504 are a gateway's page; 429, which lets nothing through for 42 seconds, and 503 are the service's own problem documents. */
  answer(status: 429 | 502 | 503 | 504, pattern = ""): void {
    const [contentType, body] =
      status === 503 ? ["application/problem+json", UNAVAILABLE] : ["text/html", "<h1>Bad gateway</h1>"];
    const retryAt = this.clock.now() + 42_000;
    const limited = { type: "/api/problems/rate-limited", title: "Too many requests", status, retryAt };
    this.set(
      (route) =>
        status === 429 ? route.fulfill({ status, json: limited }) : route.fulfill({ status, contentType, body }),
      pattern,
    );
  }

  /** Answers as the service does where there is nothing to list. */
  empty(pattern: string, list: object): void {
    this.set((route) => route.fulfill({ json: list }), pattern);
  }

  /** Requests arrive, and their answers do not. */
  lose(pattern = ""): void {
    this.set(async (route) => {
      await route.fetch();
      await route.abort("connectionreset");
    }, pattern);
  }

  private restored(): Promise<void> {
    return new Promise((pass) => this.waiting.push(pass));
  }

  private set(weather: Weather, pattern: string): void {
    this.weather = weather;
    this.pattern = pattern;
  }
}
