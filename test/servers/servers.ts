/** One small application on each server, with the same routes: what a user of @tenure/http writes. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { type Gate, guarded as guardedFetch } from "@tenure/http";
import * as onExpress from "@tenure/http/express";
import * as onFastify from "@tenure/http/fastify";
import * as onHono from "@tenure/http/hono";
import { askingOf, guarded, sinkOf } from "@tenure/http/node";
import express from "express";
import Fastify from "fastify";
import { Hono } from "hono";
import type { Service } from "./service.ts";

export interface Running {
  url: string;
  close(): Promise<unknown>;
}

type Body = Record<string, unknown>;
const SECRET = "the words of a fault are nobody's business";
const fail = (): never => {
  throw new Error(SECRET);
};

function hono({ sessions, codes, recent, looks, logIn }: Service): Promise<Running> {
  const app = new Hono()
    .post("/code", async (c) => c.json(await codes.ask((await c.req.json<Body>()).email)))
    .post("/verify", async (c) => {
      const { challenge, code } = await c.req.json<Body>();
      const { email } = await codes.verify(challenge, code);
      return c.json(await logIn(email, c.req.raw, onHono.sinkOf(c)));
    })
    .get("/looks", onHono.gate(looks), (c) => c.text("seen"))
    .get("/fault", fail)
    .use("/me/*", onHono.gate(sessions))
    .get("/me/data", (c) => c.json(sessions.visit(c.req.raw).session.data))
    .post("/me/note", async (c) => {
      const visit = sessions.visit(c.req.raw);
      const { data } = visit.session;
      return c.json(await visit.update({ ...data, notes: data.notes + 1 }));
    })
    .post("/me/rotate", async (c) => c.json({ token: await sessions.visit(c.req.raw).rotate() }))
    .post("/me/others", onHono.gate(recent), async (c) =>
      c.json({ ended: await sessions.visit(c.req.raw).logOutOthers() }),
    )
    .post("/me/logout", async (c) => {
      await sessions.visit(c.req.raw).logOut();
      // A response that the framework has no part in.
      return new Response("goodbye");
    });
  app.onError((error, c) => {
    if (error.message === SECRET) return c.text("fault", 500);
    return onHono.problems()(error);
  });
  return listen(createAdaptorServer({ fetch: app.fetch }) as Server);
}

function onExpress5({ sessions, codes, recent, looks, logIn }: Service): Promise<Running> {
  const app = express();
  app.use(express.json());
  app.post("/code", async (request, response) => void response.json(await codes.ask(request.body?.email)));
  app.post("/verify", async (request, response) => {
    const { email } = await codes.verify(request.body?.challenge, request.body?.code);
    response.json(await logIn(email, askingOf(request), sinkOf(response)));
  });
  app.get("/looks", onExpress.gate(looks), (_request, response) => void response.send("seen"));
  app.get("/fault", fail);
  app.use("/me", onExpress.gate(sessions));
  app.get("/me/data", (request, response) => void response.json(sessions.visit(request).session.data));
  app.post("/me/note", async (request, response) => {
    const visit = sessions.visit(request);
    const { data } = visit.session;
    response.json(await visit.update({ ...data, notes: data.notes + 1 }));
  });
  app.post("/me/rotate", async (request, response) => {
    response.json({ token: await sessions.visit(request).rotate() });
  });
  app.post("/me/others", onExpress.gate(recent), async (request, response) => {
    response.json({ ended: await sessions.visit(request).logOutOthers() });
  });
  app.post("/me/logout", async (request, response) => {
    await sessions.visit(request).logOut();
    response.send("goodbye");
  });
  app.use(onExpress.problems());
  // Express tells whom it may concern what was thrown: here nobody.
  app.use((_error: unknown, _request: unknown, response: express.Response, _next: unknown) => {
    response.status(500).send("fault");
  });
  return listen(createServer(app));
}

async function onFastify5({ sessions, codes, recent, looks, logIn }: Service): Promise<Running> {
  const app = Fastify();
  app.setErrorHandler(onFastify.problems());
  app.post<{ Body: Body }>("/code", async ({ body }) => codes.ask(body.email));
  app.post<{ Body: Body }>("/verify", async ({ body, raw }, reply) => {
    const { email } = await codes.verify(body.challenge, body.code);
    return logIn(email, askingOf(raw), onFastify.sinkOf(reply));
  });
  app.get("/looks", { preHandler: onFastify.gate(looks) }, async () => "seen");
  app.get("/fault", fail);
  await app.register(async (mine) => {
    mine.addHook("preHandler", onFastify.gate(sessions));
    mine.get("/me/data", async ({ raw }) => sessions.visit(raw).session.data);
    mine.post("/me/note", async ({ raw }) => {
      const visit = sessions.visit(raw);
      const { data } = visit.session;
      return visit.update({ ...data, notes: data.notes + 1 });
    });
    mine.post("/me/rotate", async ({ raw }) => ({ token: await sessions.visit(raw).rotate() }));
    mine.post("/me/others", { preHandler: onFastify.gate(recent) }, async ({ raw }) => ({
      ended: await sessions.visit(raw).logOutOthers(),
    }));
    mine.post("/me/logout", async ({ raw }) => {
      await sessions.visit(raw).logOut();
      return "goodbye";
    });
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  return { url, close: () => app.close() };
}

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

function onNode({ sessions, codes, recent, looks, logIn }: Service): Promise<Running> {
  const json = (response: ServerResponse, body: unknown) => response.end(JSON.stringify(body));
  const routes: Record<string, [gates: Gate[], handler: Handler]> = {
    "POST /code": [[], async (request, response) => json(response, await codes.ask((await bodyOf(request)).email))],
    "POST /verify": [
      [],
      async (request, response) => {
        const { challenge, code } = await bodyOf(request);
        const { email } = await codes.verify(challenge, code);
        json(response, await logIn(email, askingOf(request), sinkOf(response)));
      },
    ],
    "GET /looks": [[looks], (_request, response) => response.end("seen")],
    "GET /fault": [[], fail],
    "GET /me/data": [[sessions], (request, response) => json(response, sessions.visit(request).session.data)],
    "POST /me/note": [
      [sessions],
      async (request, response) => {
        const visit = sessions.visit(request);
        const { data } = visit.session;
        json(response, await visit.update({ ...data, notes: data.notes + 1 }));
      },
    ],
    "POST /me/rotate": [
      [sessions],
      async (request, response) => json(response, { token: await sessions.visit(request).rotate() }),
    ],
    "POST /me/others": [
      [sessions, recent],
      async (request, response) => json(response, { ended: await sessions.visit(request).logOutOthers() }),
    ],
    "POST /me/logout": [
      [sessions],
      async (request, response) => {
        await sessions.visit(request).logOut();
        response.end("goodbye");
      },
    ],
  };
  return listen(
    createServer((request, response) => {
      const [gates, handler] = routes[`${request.method} ${request.url}`] ?? [[], () => response.writeHead(404).end()];
      guarded(gates, handler)(request, response);
    }),
  );
}

/** `Request` in and `Response` out, as an edge runtime has it: here behind a server that has no part in it. */
function onFetch({ sessions, codes, recent, looks, logIn }: Service): Promise<Running> {
  const json = async (request: Request) => (await request.json()) as Body;
  const routes: Record<string, (request: Request) => Promise<Response>> = {
    "POST /code": guardedFetch([], async (request) => Response.json(await codes.ask((await json(request)).email))),
    "POST /verify": guardedFetch([], async (request, told) => {
      const { challenge, code } = await json(request);
      const { email } = await codes.verify(challenge, code);
      return Response.json(await logIn(email, request, told));
    }),
    "GET /looks": guardedFetch([looks], () => new Response("seen")),
    "GET /fault": guardedFetch([], fail),
    "GET /me/data": guardedFetch([sessions], (request) => Response.json(sessions.visit(request).session.data)),
    "POST /me/note": guardedFetch([sessions], async (request) => {
      const visit = sessions.visit(request);
      const { data } = visit.session;
      return Response.json(await visit.update({ ...data, notes: data.notes + 1 }));
    }),
    "POST /me/rotate": guardedFetch([sessions], async (request) =>
      Response.json({ token: await sessions.visit(request).rotate() }),
    ),
    "POST /me/others": guardedFetch([sessions, recent], async (request) =>
      Response.json({ ended: await sessions.visit(request).logOutOthers() }),
    ),
    "POST /me/logout": guardedFetch([sessions], async (request) => {
      await sessions.visit(request).logOut();
      return new Response("goodbye");
    }),
  };
  const fetch = (request: Request) =>
    routes[`${request.method} ${new URL(request.url).pathname}`]?.(request) ?? new Response("nothing", { status: 404 });
  return listen(createAdaptorServer({ fetch }) as Server);
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return JSON.parse(text) as Body;
}

async function listen(server: Server): Promise<Running> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const servers = [
  { name: "Hono", start: hono },
  { name: "Express 5", start: onExpress5 },
  { name: "Fastify 5", start: onFastify5 },
  { name: "node:http", start: onNode },
  { name: "Request and Response", start: onFetch },
];
