/** The steps of a user, in order. Each step resolves to what it has seen, in a few words, and names what to look at when it fails. */
import { setTimeout as pause } from "node:timers/promises";
import { StepError } from "./client.mjs";

const POLL_MS = 500;
const ASKED = "What is 6 * 7?";
const ANSWER = /42/;
const run = (more = {}) => ({
  assistant_id: "agent",
  input: { messages: [{ role: "user", content: ASKED }] },
  ...more,
});

/** Throws unless it holds. */
function see(holds, otherwise) {
  if (!holds) throw new StepError(otherwise);
}

const lastMessage = (values) => values?.messages?.at(-1)?.content;
const answered = (values) => typeof lastMessage(values) === "string" && ANSWER.test(lastMessage(values));

export const steps = [
  {
    name: "the API answers",
    look: "the address (npx sst deploy prints it), and whether the deployment has ended: npm run deploy -- --check",
    async run({ client }) {
      const { ok } = await client.ask("GET", "/ok");
      see(ok === true, "GET /api/ok does not say that it is well");
      return "ok";
    },
  },
  {
    name: "without a login nothing is shown",
    look: "who answers: a cache in front of the API, or another service",
    async run({ client }) {
      await client.ask("GET", "/auth/session", { expected: 401 });
      return "401";
    },
  },
  {
    name: "a code is sent",
    look: "the log of the Auth function. 503: Redis (its URL and token) or SES (the sender). 429: wait as long as it says",
    async run(context) {
      const { client, codes, email } = context;
      await client.waiting(codes.heed());
      const { challenge } = await client.ask("POST", "/auth/code", { body: { email }, expected: 202 });
      context.challenge = challenge;
      return "accepted";
    },
  },
  {
    name: "the code comes, and logs in",
    look: "the spam folder; whether SES is in the sandbox, and the sender confirmed: npm run deploy -- --check",
    async run(context) {
      const { client, challenge, codes } = context;
      const code = await client.waiting(codes.read());
      const { token, user } = await client.ask("POST", "/auth/verify", { body: { challenge, code } });
      see(token, "the answer has no token");
      client.token = token;
      return user.email;
    },
  },
  {
    name: "the session is known",
    look: "Redis: eviction must be off, and there must be no read replica",
    async run({ client, email }) {
      const { user, session } = await client.ask("GET", "/auth/session");
      see(user.email === email.toLowerCase(), "the session is somebody else's");
      return `until ${new Date(session.idleExpiresAt).toISOString()} when idle`;
    },
  },
  {
    name: "a thread runs, and answers",
    look: "the log of the Api function; the model's key (ModelApiKey) when TENURE_MODEL is set; DynamoDB's alarms",
    async run(context) {
      const { thread_id } = await context.client.ask("POST", "/threads", { body: {} });
      context.threadId = thread_id;
      const values = await context.client.ask("POST", `/threads/${thread_id}/runs/wait`, { body: run() });
      see(answered(values), `the answer to "${ASKED}" does not hold 42`);
      return `${values.messages.length} messages`;
    },
  },
  {
    name: "a stream is dropped, and taken up",
    look: "CloudFront: answers must be streamed, and Last-Event-ID must reach the function; the run's events in Redis",
    async run({ client, threadId }) {
      const dropped = new AbortController();
      const path = `/threads/${threadId}/runs`;
      const body = run({ stream_mode: ["updates"], on_disconnect: "continue" });
      let runId;
      let last = -1;
      for await (const { event, id, data } of client.events("POST", `${path}/stream`, {
        body,
        signal: dropped.signal,
      })) {
        if (event === "metadata") runId = data.run_id;
        last = id;
        break;
      }
      dropped.abort();
      see(runId, "the stream does not begin with its run's id");
      const seen = [];
      const headers = { "Last-Event-ID": String(last) };
      for await (const one of client.events("GET", `${path}/${runId}/stream`, { headers })) {
        see(one.event !== "error", "the run has failed");
        seen.push(one.id);
      }
      see(seen.length > 0, "nothing came after the stream was taken up");
      see(
        seen.every((id, i) => id === last + 1 + i),
        `events are lost or come twice: ${last} and then ${seen.join(", ")}`,
      );
      return `event ${last}, and then ${seen[0]} to ${seen.at(-1)}`;
    },
  },
  {
    name: "a run that nobody watches ends",
    look: "the log of the Worker function, and the queues: RunDeadLetters holds what was given up",
    async run({ client, threadId, timeoutMs }) {
      const { run_id } = await client.ask("POST", `/threads/${threadId}/runs`, { body: run() });
      const end = performance.now() + timeoutMs;
      for (;;) {
        const { status } = await client.ask("GET", `/threads/${threadId}/runs/${run_id}`);
        if (status === "success") break;
        see(["pending", "running"].includes(status), `the run has ended with ${status}`);
        see(performance.now() < end, `the run is still ${status} after ${timeoutMs / 1000} s`);
        await pause(POLL_MS);
      }
      const { values } = await client.ask("GET", `/threads/${threadId}/state`);
      see(answered(values), `the answer to "${ASKED}" does not hold 42`);
      return "success";
    },
  },
  {
    name: "the thread is deleted",
    look: "the log of the Api function; DynamoDB's alarms",
    async run({ client, threadId }) {
      await client.ask("DELETE", `/threads/${threadId}`, { expected: 204 });
      await client.ask("GET", `/threads/${threadId}`, { expected: 404 });
      return "404";
    },
  },
  {
    name: "logged out, the token is dead",
    look: "Redis: a read replica, or a cache in front of the API, would let it through. Do not go live with this",
    async run({ client, threadId }) {
      await client.ask("POST", "/auth/logout", { expected: 204 });
      await client.ask("GET", "/auth/session", { expected: 401 });
      await client.ask("GET", `/threads/${threadId}`, { expected: 401 });
      return "401";
    },
  },
];
