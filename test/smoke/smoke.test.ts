/** `npm run smoke` against the local stack, and against ones that fail in each way that it is there to see. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { HELD_TIME, startScript } from "../deploy/project.ts";
import { isLong } from "../support/runner/size.ts";
import { startTestStack, type TestStack } from "../support/service/stack.ts";

const SMOKE = fileURLToPath(new URL("../../scripts/smoke.mjs", import.meta.url));

let stack: TestStack;
let folder: string;
beforeAll(async () => {
  stack = await startTestStack();
  folder = mkdtempSync(join(tmpdir(), "tenure-smoke-"));
  writeFileSync(
    join(folder, "mailbox.mjs"),
    `const mails = await (await fetch("${stack.url}/dev/mail.json")).json();
     const mine = mails.find(({ to }) => to === process.env.SMOKE_EMAIL);
     if (!mine) process.exit(3);
     console.log("Your code is " + mine.code);`,
  );
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await stack?.close();
});

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** The stack behind a front door that does something else with some requests; `false` leaves a request to the stack. */
async function behind(spoil: (request: IncomingMessage, response: ServerResponse) => boolean): Promise<string> {
  const server = createServer((request, response) => {
    if (spoil(request, response)) return;
    const { url = "/", method = "GET", headers } = request;
    const on = forward(stack.url + url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    on.on("error", () => response.destroy());
    response.on("close", () => on.destroy());
    request.pipe(on);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

let people = 0;
const someone = () => `smoke${people++}@example.com`;
const mailbox = () => `"${process.execPath}" "${join(folder, "mailbox.mjs")}"`;
const run = (args: string[], input = "") => startScript(SMOKE, args, {}, input).outcome;
const smoke = (url: string, email = someone(), ...args: string[]) =>
  run(["--url", url, "--email", email, "--code-command", mailbox(), ...args]);
const codesOf = async (email: string) => {
  const mails = (await (await fetch(`${stack.url}/dev/mail.json`)).json()) as { to: string; code: string }[];
  return mails.filter(({ to }) => to === email).map(({ code }) => code);
};
const json = (response: ServerResponse, status: number, body: object) =>
  void response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));

describe("npm run smoke", () => {
  it("passes on the local stack, with a table and no secret, though the mailbox shows an older code", async () => {
    const email = someone();
    await stack.askCode(email);
    const { code, output } = await smoke(`${stack.url}/`, email);
    expect(output).toMatch(/^PASSED: 10 steps in [\d.]+ s$/m);
    expect(output).toMatch(/^ {2}a stream is dropped, and taken up +\d+ {2}event 0, and then 1 to [3-9]$/m);
    expect(output).toMatch(/^ {2}logged out, the token is dead +\d+ {2}401$/m);
    expect(output.match(/^ {2}.* \d+ {2}\S/gm)).toHaveLength(10);
    expect(code).toBe(0);
    const codes = await codesOf(email);
    expect(codes).toHaveLength(2);
    for (const one of codes) expect(output).not.toContain(one);
    // Nothing is left but the user.
    const token = await stack.logIn(email);
    expect(await (await stack.request("POST", "/threads/search", { token, body: {} })).json()).toEqual([]);
  });

  it("takes the code from a person", async () => {
    const email = someone();
    // As late as the person can know it.
    const url = await behind((request, response) => {
      if (!request.url?.endsWith("/auth/verify")) return false;
      json(response, 401, { title: "The code was not accepted", detail: "That is not the code." });
      return true;
    });
    const { code, output } = await run(["--url", url], `${email}\n123456\n`);
    expect(output).toContain("E-mail address to log in with:");
    expect(output).toContain(`Code for ${email}:`);
    expect(output).toContain("401 in place of 200, The code was not accepted: That is not the code.");
    expect(output).not.toContain("123456");
    expect(code).toBe(1);
  });

  const failures: [
    what: string,
    spoil: (request: IncomingMessage, response: ServerResponse) => boolean,
    step: string,
    said: RegExp,
    look: RegExp,
  ][] = [
    [
      "another service",
      ({ url }, response) => url === "/api/ok" && Boolean(response.end("<html>")),
      "the API answers",
      /the answer is no JSON/,
      /the address/,
    ],
    [
      "a cache that answers with another's session",
      ({ url, headers }, response) => {
        if (!url?.endsWith("/auth/session") || headers.authorization) return false;
        json(response, 200, { user: {} });
        return true;
      },
      "without a login nothing is shown",
      /200 in place of 401/,
      /a cache/,
    ],
    [
      "Redis that is away",
      ({ url }, response) => {
        if (!url?.endsWith("/auth/code")) return false;
        json(response, 503, {
          title: "The service is unavailable",
          detail: "The redis store did not answer (unknown).",
        });
        return true;
      },
      "a code is sent",
      /503 in place of 202, The service is unavailable: The redis store/,
      /503: Redis/,
    ],
    [
      "mail that is not sent",
      ({ url }, response) => {
        if (!url?.endsWith("/auth/code")) return false;
        json(response, 202, { challenge: "x" });
        return true;
      },
      "the code comes, and logs in",
      /the code command ended with 3/,
      /sandbox/,
    ],
    [
      "an answer that breaks off",
      ({ url }, response) => Boolean(url?.endsWith("/runs/wait") && response.destroy()),
      "a thread runs, and answers",
      /no answer \(UND_ERR_SOCKET\)/,
      /log of the Api function/,
    ],
    [
      "a front door that drops Last-Event-ID",
      (request) => {
        delete request.headers["last-event-id"];
        return false;
      },
      "a stream is dropped, and taken up",
      /events are lost or come twice: 0 and then 0, 1/,
      /Last-Event-ID/,
    ],
    [
      "a worker that is away",
      ({ url, method }, response) => {
        if (method !== "GET" || !/\/runs\/[\w-]+$/.test(url ?? "")) return false;
        json(response, 200, { status: "pending" });
        return true;
      },
      "a run that nobody watches ends",
      /still pending after/,
      /RunDeadLetters/,
    ],
    [
      "a run that fails",
      ({ url, method }, response) => {
        if (method !== "GET" || !/\/runs\/[\w-]+$/.test(url ?? "")) return false;
        json(response, 200, { status: "error" });
        return true;
      },
      "a run that nobody watches ends",
      /has ended with error/,
      /RunDeadLetters/,
    ],
    [
      "a replica that does not know of the logout",
      ({ url }, response) => {
        if (!url?.endsWith("/auth/logout")) return false;
        response.writeHead(204).end();
        return true;
      },
      "logged out, the token is dead",
      /GET \/api\/auth\/session: 200 in place of 401/,
      /replica/,
    ],
  ];
  // The short form has one of an answer, one of a stream, and one after the login.
  const short = [
    "another service",
    "a front door that drops Last-Event-ID",
    "a replica that does not know of the logout",
  ];
  it.each(failures.filter(([what]) => isLong || short.includes(what)))(
    "fails at %s, and says what to look at",
    async (_what, spoil, step, said, look) => {
      const { code, output } = await smoke(await behind(spoil), someone(), "--timeout", "1");
      expect(output).toMatch(new RegExp(`^ {2}${step} +\\d+ {2}FAILED$`, "m"));
      expect(output.split("\n").find((line) => line.startsWith(`FAILED: ${step}`))).toMatch(said);
      expect(output.split("\n").find((line) => line.startsWith("Look at: "))).toMatch(look);
      expect(code).toBe(1);
    },
  );

  it("waits for nobody for ever", async () => {
    const url = await behind(() => {
      script.lapse();
      return true;
    });
    const script = startScript(SMOKE, ["--url", url, "--email", someone()], { NODE_OPTIONS: `--import=${HELD_TIME}` });
    const { code, output } = await script.outcome;
    expect(output).toContain("GET /api/ok: no answer (TimeoutError)");
    expect(code).toBe(1);
  });

  it.each([
    [["--email", "ada@example.com"], "--url is missing"],
    [["--url", "example.com"], "--url must be"],
    [["--url", "http://localhost:3000", "--email", "ada"], "--email must be"],
    [["--url", "http://localhost:3000", "--timeout", "soon"], "--timeout must be"],
    [["--nothing"], "'--nothing'"],
  ])("refuses %j", async (args, problem) => {
    const { code, output } = await run(args);
    expect(output).toContain(problem);
    expect(output).toContain("--code-command");
    expect(code).toBe(2);
  });

  it("explains itself", async () => {
    const { code, output } = await run(["--help"]);
    expect(output).toMatch(/^npm run smoke -- --url/);
    expect(code).toBe(0);
  });
});
