import { defineScript } from "../redis/index.ts";

/**
 * Event n is the entry n+1-0. Of each batch only what comes after the last entry is added.
 *
 * KEYS: 1 the stream, 2 the wish to cancel
 * ARGV: 1 number of the first event, 2 lifetime in milliseconds, 3 "1" when the log ends, then names and data in turn
 */
export const append = defineScript(
  `local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', '1')
local have = 0
if last[1] then have = tonumber(string.match(last[1][1], '^%d+')) end
local place = tonumber(ARGV[1])
for i = 4, #ARGV, 2 do
  place = place + 1
  if place > have then
    redis.call('XADD', KEYS[1], string.format('%.0f-0', place), 'event', ARGV[i], 'data', ARGV[i + 1])
  end
end
if ARGV[3] == '1' and place + 1 > have then
  redis.call('XADD', KEYS[1], string.format('%.0f-0', place + 1), 'end', '1')
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {1, redis.call('GET', KEYS[2]) or ''}`,
  { declaresKeys: true },
);

/** KEYS: 1 the stream. ARGV: 1 number after which to begin, 2 how many */
export const read = defineScript(
  `return {redis.call('EXISTS', KEYS[1]), redis.call('XRANGE', KEYS[1], string.format('%.0f-0', tonumber(ARGV[1]) + 2), '+', 'COUNT', ARGV[2])}`,
  { declaresKeys: true },
);

/** KEYS: 1 the stream */
export const count = defineScript(
  `local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', '1')
if not last[1] then return {1, '0'} end
return {1, string.match(last[1][1], '^%d+')}`,
  { declaresKeys: true },
);

/** KEYS: 1 the wish to cancel. ARGV: 1 what is wished, 2 lifetime in milliseconds */
export const requestCancel = defineScript(`redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return {1}`, {
  declaresKeys: true,
});

/** KEYS: all that is of the run */
export const remove = defineScript(`redis.call('DEL', KEYS[1], KEYS[2]) return {1}`, { declaresKeys: true });
