import { defineScript } from "../redis/index.ts";

/*
 * A session record is `1 <createdAt> <lastSeenAt> <idleMs> <absoluteExpiresAt> <data>`: its version, four
 * numbers in decimal, and JSON that the scripts never parse. Its key expires at the session's deadline. The
 * index is a sorted set of a user's session ids by creation; it may name sessions that have ended, never omit a
 * live one.
 */

/**
 * KEYS  1 session  2 index
 * ARGV  1 id  2 idleMs  3 absoluteMs  4 cap  5 prefix of the user's session keys  6 data
 * Returns createdAt. Touches the user's other sessions, whose keys it learns from the index.
 */
export const create = defineScript(
  `for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if redis.call('EXISTS', ARGV[5] .. id) == 0 then redis.call('ZREM', KEYS[2], id) end
end
redis.call('ZREM', KEYS[2], ARGV[1])
local excess = redis.call('ZCARD', KEYS[2]) + 1 - ARGV[4]
if excess > 0 then
  for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, excess - 1)) do
    redis.call('DEL', ARGV[5] .. id)
    redis.call('ZREM', KEYS[2], id)
  end
end
local absolute = now + ARGV[3]
local record = table.concat({ '1', now, now, ARGV[2], absolute, ARGV[6] }, ' ')
redis.call('SET', KEYS[1], record, 'PXAT', math.min(now + ARGV[2], absolute))
redis.call('ZADD', KEYS[2], now, ARGV[1])
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[3]) then redis.call('PEXPIREAT', KEYS[2], absolute) end
return tostring(now)`,
  { declaresKeys: false },
);

/**
 * KEYS  1 session
 * ARGV  1 touchEveryMs
 * Returns nil, or createdAt, lastSeenAt, idleMs, absoluteExpiresAt, data. A key that is gone stays gone.
 */
export const readAndTouch = defineScript(
  `local record = redis.call('GET', KEYS[1])
if not record then return false end
local created, seen, idle, absolute, data = string.match(record, '^1 (%d+) (%d+) (%d+) (%d+) (.*)$')
if not created then return redis.error_reply('CORRUPT session record') end
if now - seen >= tonumber(ARGV[1]) then
  seen = tostring(now)
  local touched = table.concat({ '1', created, seen, idle, absolute, data }, ' ')
  redis.call('SET', KEYS[1], touched, 'PXAT', math.min(now + idle, tonumber(absolute)))
end
return { created, seen, idle, absolute, data }`,
  { declaresKeys: true },
);

/**
 * KEYS  1 session  2 index
 * ARGV  1 id
 * Returns how many sessions ended, 0 or 1.
 */
export const revoke = defineScript(
  `redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])`,
  { declaresKeys: true },
);
