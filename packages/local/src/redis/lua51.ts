import { type LuaState, lauxlib, lua, toLua } from "./fengari.ts";

/** Names that Lua 5.1 has and 5.3 lost, and those whose 5.3 form works on 32-bit integers. */
const PRELUDE = `
local dofile_names = { 'dofile', 'loadfile', 'print', 'require', 'collectgarbage' }
for _, name in ipairs(dofile_names) do _G[name] = nil end
unpack = table.unpack
loadstring = load
table.getn = function(t) return #t end
local plain_tostring = tostring
tostring = function(value)
  if type(value) == 'number' then return value .. '' end
  return plain_tostring(value)
end
-- As in Redis 7: an error that redis.call raised reaches pcall as text.
local plain_pcall = pcall
local function as_text(ok, e, ...)
  if not ok and type(e) == 'table' and e.err then return ok, e.err end
  return ok, e, ...
end
pcall = function(...) return as_text(plain_pcall(...)) end
math.pow = function(x, y) return x ^ y end
math.log10 = function(x) return math.log(x, 10) end

local format, gsub, insert, select, unpack, tonumber, floor, ceil =
  string.format, string.gsub, table.insert, select, table.unpack, tonumber, math.floor, math.ceil
string.format = function(pattern, ...)
  local args, count, at = { ... }, select('#', ...), 0
  pattern = gsub(pattern, '%%([-+ #0]*%d*)(%.?%d*)(.)', function(flags, precision, conversion)
    if conversion == '%' then return nil end
    at = at + 1
    local value = tonumber(args[at])
    if (conversion ~= 'd' and conversion ~= 'i') or not value then return nil end
    args[at] = value >= 0 and floor(value) or ceil(value)
    return '%' .. flags .. '.0f'
  end)
  return format(pattern, unpack(args, 1, count))
end
`;

export function installLua51(L: LuaState): void {
  const rounding = (name: "floor" | "ceil") => {
    lua.lua_getglobal(L, toLua("math"));
    lua.lua_pushstring(L, toLua(name));
    lua.lua_pushjsfunction(L, (state) => {
      lua.lua_pushnumber(state, Math[name](lauxlib.luaL_checknumber(state, 1)));
      return 1;
    });
    lua.lua_rawset(L, -3);
    lua.lua_pop(L, 1);
  };
  rounding("floor");
  rounding("ceil");
  const source = toLua(PRELUDE);
  const failed =
    lauxlib.luaL_loadbuffer(L, source, source.length, toLua("@prelude")) !== lua.LUA_OK ||
    lua.lua_pcall(L, 0, 0, 0) !== lua.LUA_OK;
  if (failed) throw new Error(`the Lua prelude failed: ${Buffer.from(lua.lua_tostring(L, -1)).toString()}`);
}
