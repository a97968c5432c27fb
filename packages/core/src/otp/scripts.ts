import { defineScript } from "../redis/port.ts";

/*
 * A code record is `1 <attempts> <digest> <email>`; its key expires with the code. `failures` counts an
 * account's wrong tries, `resend` exists while no new code may be sent.
 */

/**
 * KEYS  1 code  2 resend  3 failures
 * ARGV  1 digest  2 email  3 ttlMs  4 resendMs  5 failuresPerAccount
 * Returns 1, expiresAt, resendAt; or 0, retryAt, now.
 */
export const issue = defineScript(
  `if tonumber(redis.call('GET', KEYS[3]) or 0) >= tonumber(ARGV[5]) then
  return { 0, tostring(now + redis.call('PTTL', KEYS[3])), tostring(now) }
end
local wait = redis.call('PTTL', KEYS[2])
if wait >= 0 then return { 0, tostring(now + wait), tostring(now) } end
redis.call('SET', KEYS[1], '1 0 ' .. ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3])
if tonumber(ARGV[4]) > 0 then redis.call('SET', KEYS[2], '1', 'PX', ARGV[4]) end
return { 1, tostring(now + ARGV[3]), tostring(now + ARGV[4]) }`,
  { declaresKeys: true },
);

/**
 * KEYS  1 code  2 failures  3 resend
 * ARGV  1 digest  2 attemptsPerCode  3 failuresPerAccount  4 failureWindowMs
 * Returns 'accepted', email; 'wrong', attempts left; 'gone'; 'spent'; or 'locked', retryAt, now.
 */
export const consume = defineScript(
  `if tonumber(redis.call('GET', KEYS[2]) or 0) >= tonumber(ARGV[3]) then
  return { 'locked', tostring(now + redis.call('PTTL', KEYS[2])), tostring(now) }
end
local record = redis.call('GET', KEYS[1])
if not record then return { 'gone' } end
local attempts, digest, email = string.match(record, '^1 (%d+) (%S+) (%S+)$')
if not attempts then return redis.error_reply('CORRUPT code record') end
if tonumber(attempts) >= tonumber(ARGV[2]) then return { 'spent' } end
redis.call('SET', KEYS[1], '1 ' .. (attempts + 1) .. ' ' .. digest .. ' ' .. email, 'KEEPTTL')
if redis.call('INCR', KEYS[2]) == 1 then redis.call('PEXPIRE', KEYS[2], ARGV[4]) end
if digest ~= ARGV[1] then return { 'wrong', tostring(ARGV[2] - attempts - 1) } end
-- Who has read the mailbox need not wait for another message, as when the login failed afterwards.
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
return { 'accepted', email }`,
  { declaresKeys: true, ends: true },
);
