import { defineScript } from "../redis/port.ts";

/**
 * Event n is the entry n+1-0. Of each batch only what comes after the last entry is added. Nobody with a lower fence than the
 * highest that was seen adds anything. An entry whose data ends as that of others does has the `tail` itself, or names the entry
 * that has it (`as`), which is in the same stream and so lives as long. An entry whose data begins as that of an earlier one does
 * names it (`from`), and how many UTF-16 units it takes of its data; where that entry is gone, nothing is added, and the answer
 * is 3. A number is joined to a text as it is, which the local stack's Lua does in a fifth of the time of `string.format`, up to where
 * Lua would write an exponent.
 *
 * KEYS: 1 the stream, 2 the fence, 3 the wish to cancel
 * ARGV: 1 the fence, 2 lifetime in milliseconds, 3 number of the first event, 4 "1" when the log ends, 5 how many tails; for each
 * tail the number of its first event, and the text; then how many starts; for each the number of the event that it is of, and its
 * length; then for each event its name, its data, and which tail comes after, "0" for none, or which start comes before, as "s1"
 */
export const append = defineScript(
  `local fence = tonumber(redis.call('GET', KEYS[2]) or '0')
if fence > tonumber(ARGV[1]) then return {2, ''} end
local function id(number)
  if number < 1e14 then return number .. '-0' end
  return string.format('%.0f-0', number)
end
local first = tonumber(ARGV[3])
local beyond = 6 + 2 * tonumber(ARGV[5])
local starts = {}
local found = {}
for s = 1, tonumber(ARGV[beyond]) do
  local of = tonumber(ARGV[beyond + 2 * s - 1])
  local at = id(of + 1)
  if of < first and not found[at] then
    if not redis.call('XRANGE', KEYS[1], at, at)[1] then return {3, ''} end
    found[at] = true
  end
  starts['s' .. s] = {at, ARGV[beyond + 2 * s]}
end
beyond = beyond + 2 * tonumber(ARGV[beyond])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', '1')
local have = '0'
if last[1] then have = string.match(last[1][1], '^%d+') end
have = tonumber(have)
local tails = tonumber(ARGV[5])
local holder = {}
for t = 1, tails do
  local at = id(tonumber(ARGV[4 + 2 * t]) + 1)
  if redis.call('XRANGE', KEYS[1], at, at)[1] then holder[tostring(t)] = at end
end
local call, stream = redis.call, KEYS[1]
local number = first
for i = beyond + 1, #ARGV, 3 do
  number = number + 1
  if number > have then
    local at, tail = id(number), ARGV[i + 2]
    if tail == '0' then
      call('XADD', stream, at, 'event', ARGV[i], 'data', ARGV[i + 1])
    elseif starts[tail] then
      call('XADD', stream, at, 'event', ARGV[i], 'data', ARGV[i + 1], 'from', starts[tail][1], 'take', starts[tail][2])
    elseif holder[tail] then
      call('XADD', stream, at, 'event', ARGV[i], 'data', ARGV[i + 1], 'as', holder[tail])
    else
      holder[tail] = at
      call('XADD', stream, at, 'event', ARGV[i], 'data', ARGV[i + 1], 'tail', ARGV[5 + 2 * tonumber(tail)])
    end
  end
end
if ARGV[4] == '1' and number + 1 > have then
  redis.call('XADD', KEYS[1], id(number + 1), 'end', '1')
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {1, redis.call('GET', KEYS[3]) or ''}`,
  { declaresKeys: true },
);

/**
 * Answers with whether there is a log, its entries, and the entries that these name and that are not among them.
 *
 * KEYS: 1 the stream. ARGV: 1 number after which to begin, 2 how many
 */
export const read = defineScript(
  `local from = string.format('%.0f-0', tonumber(ARGV[1]) + 2)
local entries = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', ARGV[2])
local known = {}
local named = {}
for _, entry in ipairs(entries) do
  local name, at = entry[2][5], entry[2][6]
  known[entry[1]] = true
  if (name == 'as' or name == 'from') and not known[at] then
    known[at] = true
    for _, held in ipairs(redis.call('XRANGE', KEYS[1], at, at)) do table.insert(named, held) end
  end
end
return {redis.call('EXISTS', KEYS[1]), entries, named}`,
  { declaresKeys: true },
);

/** KEYS: 1 the wish to cancel. ARGV: 1 what is wished, 2 lifetime in milliseconds */
export const requestCancel = defineScript(`redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return {1}`, {
  declaresKeys: true,
});

/** KEYS: 1 the fence */
export const isRemoved = defineScript(
  `return {redis.call('GET', KEYS[1]) == '${Number.MAX_SAFE_INTEGER}' and 1 or 0}`,
  {
    declaresKeys: true,
  },
);

/**
 * Leaves a fence that no lease has: what is appended later is refused.
 *
 * KEYS: 1 the stream, 2 the fence, 3 the wish to cancel. ARGV: 1 lifetime in milliseconds
 */
export const remove = defineScript(
  `redis.call('DEL', KEYS[1], KEYS[3])
redis.call('SET', KEYS[2], '${Number.MAX_SAFE_INTEGER}', 'PX', ARGV[1])
return {1}`,
  { declaresKeys: true, ends: true },
);
