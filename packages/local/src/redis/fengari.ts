/**
 * fengari, a Lua 5.3 with 32-bit integers, given the number semantics of the Lua 5.1 inside Redis: every
 * number is a double, prints as "%.14g", and never wraps. Both places where fengari turns text into numbers
 * and numbers into text are looked up on its `lobject` module at call time, so replacing them there is enough.
 */
import { createRequire } from "node:module";
import { formatG } from "./keyspace.ts";

/** An opaque Lua state. */
export type LuaState = { readonly lua: unique symbol };
type LuaFunction = (L: LuaState) => number;

interface LuaValue {
  value: number;
  ttisinteger(): boolean;
  setfltvalue(value: number): void;
  setsvalue(text: unknown): void;
}

interface Fengari {
  lua: Record<string, never> & {
    LUA_OK: number;
    LUA_MULTRET: number;
    LUA_REGISTRYINDEX: number;
    LUA_MASKCOUNT: number;
    LUA_TNIL: number;
    LUA_TBOOLEAN: number;
    LUA_TNUMBER: number;
    LUA_TSTRING: number;
    LUA_TTABLE: number;
    lua_gettop(L: LuaState): number;
    lua_settop(L: LuaState, index: number): void;
    lua_pop(L: LuaState, count: number): void;
    lua_type(L: LuaState, index: number): number;
    lua_tostring(L: LuaState, index: number): Uint8Array;
    lua_tonumber(L: LuaState, index: number): number;
    lua_toboolean(L: LuaState, index: number): boolean;
    lua_pushnil(L: LuaState): void;
    lua_pushboolean(L: LuaState, value: boolean): void;
    lua_pushnumber(L: LuaState, value: number): void;
    lua_pushstring(L: LuaState, text: Uint8Array): void;
    lua_pushjsfunction(L: LuaState, fn: LuaFunction): void;
    lua_pushvalue(L: LuaState, index: number): void;
    lua_pushglobaltable(L: LuaState): void;
    lua_createtable(L: LuaState, list: number, record: number): void;
    lua_rawseti(L: LuaState, index: number, n: number): void;
    lua_rawgeti(L: LuaState, index: number, n: number): number;
    lua_rawset(L: LuaState, index: number): void;
    lua_rawget(L: LuaState, index: number): number;
    lua_next(L: LuaState, index: number): number;
    lua_absindex(L: LuaState, index: number): number;
    lua_setmetatable(L: LuaState, index: number): void;
    lua_getglobal(L: LuaState, name: Uint8Array): number;
    lua_pcall(L: LuaState, args: number, results: number, handler: number): number;
    lua_error(L: LuaState): never;
    lua_sethook(L: LuaState, hook: ((L: LuaState) => void) | null, mask: number, count: number): void;
  };
  lauxlib: Record<string, never> & {
    luaL_newstate(): LuaState;
    luaL_requiref(L: LuaState, name: Uint8Array, open: LuaFunction, global: number): void;
    luaL_loadbuffer(L: LuaState, source: Uint8Array, size: number, name: Uint8Array): number;
    luaL_ref(L: LuaState, index: number): number;
    luaL_where(L: LuaState, level: number): void;
    luaL_error(L: LuaState, format: Uint8Array, ...args: unknown[]): never;
    luaL_checknumber(L: LuaState, index: number): number;
  };
  lualib: Record<"luaopen_base" | "luaopen_table" | "luaopen_string" | "luaopen_math", LuaFunction>;
}

const require = createRequire(import.meta.url);
export const { lua, lauxlib, lualib } = require("fengari") as Fengari;
const lobject = require("fengari/src/lobject.js") as {
  luaO_str2num(text: Uint8Array, target: LuaValue): number;
  luaO_tostring(L: LuaState, target: LuaValue): void;
};
const { luaS_bless } = require("fengari/src/lstring.js") as { luaS_bless(L: LuaState, s: Uint8Array): unknown };

const parse = lobject.luaO_str2num;
lobject.luaO_str2num = (text, target) => {
  const size = parse(text, target);
  if (size > 0 && target.ttisinteger()) {
    const source = Buffer.from(text.subarray(0, size - 1))
      .toString("latin1")
      .trim();
    const hex = /^([+-]?)0x([\da-f]+)$/i.exec(source);
    target.setfltvalue(hex ? Number.parseInt(`${hex[1]}${hex[2]}`, 16) : target.value);
  }
  return size;
};
lobject.luaO_tostring = (L, target) => {
  target.setsvalue(luaS_bless(L, toLua(formatLuaNumber(target.value))));
};

/** A number as Lua 5.1 prints it. */
export function formatLuaNumber(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return Object.is(value, -0) ? "-0" : formatG(value, 14);
}

export const toLua = (binary: string): Uint8Array => Buffer.from(binary, "latin1");
export const fromLua = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
