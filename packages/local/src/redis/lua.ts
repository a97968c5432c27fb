/**
 * The scripting side of the embedded engine: EVAL's environment, as Redis 7 documents it. Present: `redis.call`,
 * `redis.pcall`, `error_reply`, `status_reply`, `sha1hex`, `log`, the base, table, string and math libraries,
 * and `cjson`. Absent: `cmsgpack`, `struct`, `bit`. A script that runs for longer than a deadline is stopped.
 */
import { createHash } from "node:crypto";
import { installJson } from "./cjson.ts";
import { fromLua, type LuaState, lauxlib, lua, lualib, toLua } from "./fengari.ts";
import { formatG } from "./keyspace.ts";
import { installLua51 } from "./lua51.ts";
import { ErrorReply, type Reply, Status } from "./reply.ts";

const SCRIPT_DEADLINE_MS = 5_000;
const INSTRUCTIONS_PER_CHECK = 100_000;

export const sha1 = (source: string): string => createHash("sha1").update(source, "latin1").digest("hex");

export class Scripting {
  private readonly L: LuaState = lauxlib.luaL_newstate();
  private readonly compiled = new Map<string, number>();
  private readonly call: (args: string[]) => Reply;
  private stopAt = 0;

  /** `call` runs one command for `redis.call`; it throws an ErrorReply. */
  constructor(call: (args: string[]) => Reply) {
    this.call = call;
    const { L } = this;
    for (const [name, open] of [
      ["_G", lualib.luaopen_base],
      ["table", lualib.luaopen_table],
      ["string", lualib.luaopen_string],
      ["math", lualib.luaopen_math],
    ] as const) {
      lauxlib.luaL_requiref(L, toLua(name), open, 1);
      lua.lua_pop(L, 1);
    }
    installLua51(L);
    installJson(L);
    this.installRedis();
    this.protectGlobals();
    lua.lua_sethook(L, () => this.checkDeadline(), lua.LUA_MASKCOUNT, INSTRUCTIONS_PER_CHECK);
  }

  has(sha: string): boolean {
    return this.compiled.has(sha);
  }

  flush(): void {
    this.compiled.clear();
  }

  /** Compiles and keeps a script; its SHA-1 names it. Throws an ErrorReply when it does not compile. */
  load(source: string): string {
    const sha = sha1(source);
    if (this.compiled.has(sha)) return sha;
    const body = toLua(source.replace(/^#![^\n]*/, ""));
    const status = lauxlib.luaL_loadbuffer(this.L, body, body.length, toLua("@user_script"));
    if (status !== lua.LUA_OK) {
      const message = fromLua(lua.lua_tostring(this.L, -1));
      lua.lua_pop(this.L, 1);
      throw new ErrorReply(`ERR Error compiling script (new function): ${message}`);
    }
    this.compiled.set(sha, lauxlib.luaL_ref(this.L, lua.LUA_REGISTRYINDEX));
    return sha;
  }

  /** Runs a loaded script. Throws an ErrorReply when it fails; what it wrote before that stays, as in Redis. */
  run(sha: string, keys: string[], argv: string[]): Reply {
    const { L } = this;
    const top = lua.lua_gettop(L);
    this.stopAt = Date.now() + SCRIPT_DEADLINE_MS;
    try {
      this.setGlobalList("KEYS", keys);
      this.setGlobalList("ARGV", argv);
      lua.lua_pushjsfunction(L, tagWithLine);
      lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, this.compiled.get(sha) as number);
      if (lua.lua_pcall(L, 0, 1, top + 1) === lua.LUA_OK) return toReply(L, -1);
      const error = field(L, -1, "err") ?? "ERR unknown error";
      const line = field(L, -1, "line");
      throw new ErrorReply(line === undefined ? error : `${error} script: ${sha}, on @user_script:${line}.`);
    } finally {
      lua.lua_settop(L, top);
    }
  }

  private checkDeadline(): void {
    if (Date.now() < this.stopAt) return;
    pushError(this.L, `ERR Script stopped: it ran for more than ${SCRIPT_DEADLINE_MS} ms`);
    lua.lua_error(this.L);
  }

  private setGlobalList(name: string, values: string[]): void {
    const { L } = this;
    lua.lua_pushglobaltable(L);
    lua.lua_pushstring(L, toLua(name));
    pushReply(L, values);
    lua.lua_rawset(L, -3);
    lua.lua_pop(L, 1);
  }

  private installRedis(): void {
    const { L } = this;
    const functions: Record<string, (L: LuaState) => number> = {
      call: (state) => this.redisCall(state, true),
      pcall: (state) => this.redisCall(state, false),
      sha1hex: (state) => {
        lua.lua_pushstring(state, toLua(sha1(fromLua(lua.lua_tostring(state, 1)))));
        return 1;
      },
      error_reply: (state) => {
        const text = fromLua(lua.lua_tostring(state, 1)).replace(/^-/, "");
        pushError(state, text.includes(" ") ? text : `ERR ${text}`);
        return 1;
      },
      status_reply: (state) => {
        pushReply(state, new Status(fromLua(lua.lua_tostring(state, 1))));
        return 1;
      },
      log: () => 0,
      replicate_commands: (state) => {
        lua.lua_pushboolean(state, true);
        return 1;
      },
    };
    lua.lua_pushglobaltable(L);
    lua.lua_pushstring(L, toLua("redis"));
    lua.lua_createtable(L, 0, 12);
    for (const [name, fn] of Object.entries(functions)) {
      lua.lua_pushstring(L, toLua(name));
      lua.lua_pushjsfunction(L, fn);
      lua.lua_rawset(L, -3);
    }
    for (const [level, name] of ["LOG_DEBUG", "LOG_VERBOSE", "LOG_NOTICE", "LOG_WARNING"].entries()) {
      lua.lua_pushstring(L, toLua(name));
      lua.lua_pushnumber(L, level);
      lua.lua_rawset(L, -3);
    }
    lua.lua_rawset(L, -3);
    lua.lua_pop(L, 1);
  }

  private redisCall(L: LuaState, raise: boolean): number {
    const args: string[] = [];
    for (let i = 1; i <= lua.lua_gettop(L); i++) {
      const type = lua.lua_type(L, i);
      if (type === lua.LUA_TNUMBER) args.push(formatG(lua.lua_tonumber(L, i), 17));
      else if (type === lua.LUA_TSTRING) args.push(fromLua(lua.lua_tostring(L, i)));
      else {
        pushError(L, "ERR Lua redis lib command arguments must be strings or integers");
        return raise ? lua.lua_error(L) : 1;
      }
    }
    let reply: Reply;
    try {
      if (args.length === 0) throw new ErrorReply("ERR Please specify at least one argument for this redis lib call");
      reply = this.call(args);
    } catch (error) {
      if (!(error instanceof ErrorReply)) throw error;
      pushError(L, error.text);
      return raise ? lua.lua_error(L) : 1;
    }
    pushReply(L, reply);
    return 1;
  }

  private protectGlobals(): void {
    const { L } = this;
    lua.lua_pushglobaltable(L);
    lua.lua_createtable(L, 0, 2);
    lua.lua_pushstring(L, toLua("__index"));
    lua.lua_pushjsfunction(L, (state) => {
      const name = fromLua(lua.lua_tostring(state, 2));
      return lauxlib.luaL_error(state, toLua(`Script attempted to access nonexistent global variable '${name}'`));
    });
    lua.lua_rawset(L, -3);
    lua.lua_pushstring(L, toLua("__newindex"));
    lua.lua_pushjsfunction(L, (state) => lauxlib.luaL_error(state, toLua("Attempt to modify a readonly table")));
    lua.lua_rawset(L, -3);
    lua.lua_setmetatable(L, -2);
    lua.lua_pop(L, 1);
  }
}

/** The message handler: makes any error a table with `err` and the line of the script where it arose. */
function tagWithLine(L: LuaState): number {
  if (lua.lua_type(L, 1) !== lua.LUA_TTABLE) pushError(L, `ERR ${fromLua(lua.lua_tostring(L, 1))}`);
  for (const level of [1, 2]) {
    lauxlib.luaL_where(L, level);
    const line = /:(\d+):/.exec(fromLua(lua.lua_tostring(L, -1)))?.[1];
    lua.lua_pop(L, 1);
    if (line === undefined) continue;
    lua.lua_pushstring(L, toLua("line"));
    lua.lua_pushstring(L, toLua(line));
    lua.lua_rawset(L, -3);
    break;
  }
  return 1;
}

function pushError(L: LuaState, text: string): void {
  lua.lua_createtable(L, 0, 2);
  lua.lua_pushstring(L, toLua("err"));
  lua.lua_pushstring(L, toLua(text));
  lua.lua_rawset(L, -3);
}

/** Redis' conversion of a reply to Lua: null is false, a status a table with `ok`, an error one with `err`. */
function pushReply(L: LuaState, reply: Reply): void {
  if (reply === null) lua.lua_pushboolean(L, false);
  else if (typeof reply === "number") lua.lua_pushnumber(L, reply);
  else if (typeof reply === "string") lua.lua_pushstring(L, toLua(reply));
  else if (reply instanceof ErrorReply) pushError(L, reply.text);
  else if (reply instanceof Status) {
    lua.lua_createtable(L, 0, 1);
    lua.lua_pushstring(L, toLua("ok"));
    lua.lua_pushstring(L, toLua(reply.text));
    lua.lua_rawset(L, -3);
  } else {
    lua.lua_createtable(L, reply.length, 0);
    for (const [i, item] of reply.entries()) {
      pushReply(L, item);
      lua.lua_rawseti(L, -2, i + 1);
    }
  }
}

/** Redis' conversion of a Lua value to a reply: numbers are truncated, a list ends at its first nil. */
function toReply(L: LuaState, index: number): Reply {
  const type = lua.lua_type(L, index);
  if (type === lua.LUA_TSTRING) return fromLua(lua.lua_tostring(L, index));
  if (type === lua.LUA_TNUMBER) return Math.trunc(lua.lua_tonumber(L, index));
  if (type === lua.LUA_TBOOLEAN) return lua.lua_toboolean(L, index) ? 1 : null;
  if (type !== lua.LUA_TTABLE) return null;
  const error = field(L, index, "err");
  if (error !== undefined) return new ErrorReply(error);
  const ok = field(L, index, "ok");
  if (ok !== undefined) return new Status(ok);
  const list: Reply[] = [];
  const table = lua.lua_absindex(L, index);
  for (let i = 1; ; i++) {
    const done = lua.lua_rawgeti(L, table, i) === lua.LUA_TNIL;
    if (!done) list.push(toReply(L, -1));
    lua.lua_pop(L, 1);
    if (done) return list;
  }
}

function field(L: LuaState, index: number, name: string): string | undefined {
  if (lua.lua_type(L, index) !== lua.LUA_TTABLE) return undefined;
  const table = lua.lua_absindex(L, index);
  lua.lua_pushstring(L, toLua(name));
  lua.lua_rawget(L, table);
  const text = lua.lua_type(L, -1) === lua.LUA_TSTRING ? fromLua(lua.lua_tostring(L, -1)) : undefined;
  lua.lua_pop(L, 1);
  return text;
}
