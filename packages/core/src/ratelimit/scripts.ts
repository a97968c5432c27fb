import { defineScript } from "../redis/port.ts";

/**
 * A window record is `1 <began> <count> <before>`: when its current window began, and how many were let through in it and in the
 * one before. The one before counts by its part that the last `windowMs` still overlap. The key expires when both are past. One key,
 * so that a cluster has it in one slot.
 *
 * KEYS  1 window
 * ARGV  1 tokens  2 windowMs
 * Returns 1 when it is let through or else 0, how many are left, when the current window ends, now. A refusal does not count.
 */
export const take = defineScript(
  `local tokens, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local began, count, before = now - now % window, 0, 0
local record = redis.call('GET', KEYS[1])
if record then
  local at, counted, earlier = string.match(record, '^1 (%d+) (%d+) (%d+)$')
  if not at then return redis.error_reply('CORRUPT window record') end
  at = tonumber(at)
  -- A clock that was set back must not forget what was let through.
  if at >= began then began, count, before = at, tonumber(counted), tonumber(earlier)
  elseif at >= began - window then before = tonumber(counted) end
end
local part = math.min(1, (began + window - now) / window)
local counts = count + math.floor(before * part)
local isAllowed = counts < tokens
if isAllowed then
  counts = counts + 1
  redis.call('SET', KEYS[1], string.format('1 %.0f %d %d', began, count + 1, before), 'PXAT', began + 2 * window)
end
return { isAllowed and 1 or 0, math.max(0, tokens - counts), tostring(began + window), tostring(now) }`,
  { declaresKeys: true },
);
