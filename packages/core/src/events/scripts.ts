import { defineScript } from "../redis/port.ts";

/**
 * Event n is the entry n+1-0. Of each batch only what comes after the last entry is added. Nobody with a lower fence than the
 * highest that was seen adds anything.
 *
 * KEYS: 1 the stream, 2 the fence, 3 the wish to cancel
 * ARGV: 1 the fence, 2 lifetime in milliseconds, 3 number of the first event, 4 "1" when the log ends, then names and data
 */
export const append = defineScript(
  `local fence = tonumber(redis.call('GET', KEYS[2]) or '0')
if fence > tonumber(ARGV[1]) then return {2, ''} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', '1')
local have = '0'
if last[1] then have = string.match(last[1][1], '^%d+') end
have = tonumber(have)
local number = tonumber(ARGV[3])
for i = 5, #ARGV, 2 do
  number = number + 1
  if number > have then
    redis.call('XADD', KEYS[1], string.format('%.0f-0', number), 'event', ARGV[i], 'data', ARGV[i + 1])
  end
end
if ARGV[4] == '1' and number + 1 > have then
  redis.call('XADD', KEYS[1], string.format('%.0f-0', number + 1), 'end', '1')
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {1, redis.call('GET', KEYS[3]) or ''}`,
  { declaresKeys: true },
);

/** KEYS: 1 the stream. ARGV: 1 number after which to begin, 2 how many */
export const read = defineScript(
  `return {redis.call('EXISTS', KEYS[1]), redis.call('XRANGE', KEYS[1], string.format('%.0f-0', tonumber(ARGV[1]) + 2), '+', 'COUNT', ARGV[2])}`,
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
