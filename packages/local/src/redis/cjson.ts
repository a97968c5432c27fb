/** `cjson.encode` and `cjson.decode` as in Redis: an empty table is `{}`, JSON null is `cjson.null`. */
import { formatLuaNumber, fromLua, type LuaState, lauxlib, lua, toLua } from "./fengari.ts";
import { toBytes, toText } from "./reply.ts";

const NULL = toLua("\0cjson.null");

export function installJson(L: LuaState): void {
  lua.lua_pushglobaltable(L);
  lua.lua_pushstring(L, toLua("cjson"));
  lua.lua_createtable(L, 0, 3);
  const members: [string, (state: LuaState) => void][] = [
    ["null", (state) => lua.lua_pushstring(state, NULL)],
    ["encode", (state) => lua.lua_pushjsfunction(state, encode)],
    ["decode", (state) => lua.lua_pushjsfunction(state, decode)],
  ];
  for (const [name, push] of members) {
    lua.lua_pushstring(L, toLua(name));
    push(L);
    lua.lua_rawset(L, -3);
  }
  lua.lua_rawset(L, -3);
  lua.lua_pop(L, 1);
}

function encode(L: LuaState): number {
  lua.lua_pushstring(L, toLua(toJson(L, 1)));
  return 1;
}

function decode(L: LuaState): number {
  const text = fromLua(lua.lua_tostring(L, 1));
  let value: unknown;
  try {
    value = JSON.parse(toText(text));
  } catch {
    return lauxlib.luaL_error(L, toLua("Expected value but found invalid token at character 1"));
  }
  push(L, value);
  return 1;
}

function push(L: LuaState, value: unknown): void {
  if (value === null) lua.lua_pushstring(L, NULL);
  else if (typeof value === "boolean") lua.lua_pushboolean(L, value);
  else if (typeof value === "number") lua.lua_pushnumber(L, value);
  else if (typeof value === "string") lua.lua_pushstring(L, toLua(toBytes(value)));
  else {
    lua.lua_createtable(L, 0, 0);
    const items: [number | string, unknown][] = Array.isArray(value)
      ? value.map((item, i) => [i + 1, item])
      : Object.entries(value as object);
    for (const [key, item] of items) {
      push(L, key);
      push(L, item);
      lua.lua_rawset(L, -3);
    }
  }
}

function toJson(L: LuaState, index: number): string {
  const type = lua.lua_type(L, index);
  if (type === lua.LUA_TNIL) return "null";
  if (type === lua.LUA_TBOOLEAN) return String(lua.lua_toboolean(L, index));
  if (type === lua.LUA_TNUMBER) return formatLuaNumber(lua.lua_tonumber(L, index));
  if (type === lua.LUA_TSTRING) {
    const text = fromLua(lua.lua_tostring(L, index));
    return text === fromLua(NULL) ? "null" : quote(text);
  }
  if (type === lua.LUA_TTABLE) return tableToJson(L, lua.lua_absindex(L, index));
  return lauxlib.luaL_error(L, toLua("Cannot serialise value: type not supported"));
}

function tableToJson(L: LuaState, table: number): string {
  const entries: [string | number, string][] = [];
  lua.lua_pushnil(L);
  while (lua.lua_next(L, table)) {
    const numeric = lua.lua_type(L, -2) === lua.LUA_TNUMBER;
    const key = numeric ? lua.lua_tonumber(L, -2) : fromLua(lua.lua_tostring(L, -2));
    entries.push([key, toJson(L, -1)]);
    lua.lua_pop(L, 1);
  }
  if (entries.length > 0 && entries.every(([key]) => typeof key === "number")) {
    const list: string[] = [];
    for (const [key, json] of entries) list[(key as number) - 1] = json;
    return `[${Array.from(list, (json) => json ?? "null").join(",")}]`;
  }
  return `{${entries.map(([key, json]) => `${quote(String(key))}:${json}`).join(",")}}`;
}

/** cjson escapes control characters, quotes, backslashes and slashes, and leaves other bytes as they are. */
function quote(binary: string): string {
  return JSON.stringify(binary).replaceAll("/", "\\/").replaceAll("\x7f", "\\u007f");
}
