import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { createClient } from "redis";
import { cookieOf, type Env, type Peer, succeeded } from "../port.ts";

declare module "express-session" {
  interface SessionData {
    user: string;
    views: number;
  }
}

/** Set up as in connect-redis's readme; login as in express-session's readme. */
function createApp(store: RedisStore) {
  const app = express();
  app.use(session({ store, resave: false, saveUninitialized: false, secret: "keyboard cat" }));
  app.post("/login/:user", (req, res, next) => {
    req.session.regenerate((error) => {
      if (error) return next(error);
      req.session.user = req.params.user;
      req.session.save((error) => (error ? next(error) : res.end()));
    });
  });
  app.use((req, res, next) => {
    if (req.session.user) next();
    else res.sendStatus(401);
  });
  app.get("/me", (req, res) => {
    res.json({ user: req.session.user });
  });
  app.post("/visit", (req, res) => {
    req.session.views = (req.session.views ?? 0) + 1;
    res.json({ views: req.session.views });
  });
  app.post("/rotate", (req, res, next) => {
    const { user } = req.session;
    req.session.regenerate((error) => {
      if (error) return next(error);
      if (user) req.session.user = user;
      res.end();
    });
  });
  app.post("/logout", (req, res, next) => {
    req.session.destroy((error) => (error ? next(error) : res.end()));
  });
  return app;
}

async function open({ redisUrl }: Env) {
  const client = createClient({ url: redisUrl });
  await client.connect();
  const server = createServer(createApp(new RedisStore({ client })));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const send = async (method: string, path: string, cookie?: string) => {
    const response = await fetch(origin + path, { method, headers: cookie ? { cookie } : {} });
    await response.clone().arrayBuffer();
    return response;
  };
  const login = async (user: string) => cookieOf(await succeeded(send("POST", `/login/${user}`)), "connect.sid");
  const does = (method: string, path: string) => async (cookie: string) => {
    await succeeded(send(method, path, cookie));
  };
  return {
    async register() {},
    login,
    async use(cookie: string) {
      await send("POST", "/visit", cookie);
    },
    async logout(cookie: string) {
      await send("POST", "/logout", cookie);
    },
    async alive(cookie: string) {
      return (await send("GET", "/me", cookie)).status === 200;
    },
    operations: {
      async create(user: string) {
        await login(user);
      },
      read: does("GET", "/me"),
      "read and touch": does("GET", "/me"),
      "update data": does("POST", "/visit"),
      rotate: does("POST", "/rotate"),
      logout: does("POST", "/logout"),
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await client.close();
    },
  };
}

export const connectRedisPeer: Peer = {
  name: "express-session 1.19.0 + connect-redis 10.0.0",
  use: "an Express route that increments a number in `req.session`, saved by the middleware at the end of the response",
  open,
};
