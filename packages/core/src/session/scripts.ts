import { defineScript } from "../redis/port.ts";

/*
 * A session record is
 *
 *   1 <createdAt> <authenticatedAt> <lastSeenAt> <idleMs> <absoluteExpiresAt> <revision> <device> <network> <data>
 *
 * its version, six decimal numbers, two words of the origin ("-" for none) and JSON that no script parses. Its key
 * expires at the session's deadline: the earlier of lastSeenAt + idleMs and absoluteExpiresAt. The index is a
 * sorted set of a user's session ids by creation; it may name sessions that have ended. A session that it does not name is
 * none: a server that evicts keys can lose the index, and a logout of all devices would then miss those that it named.
 *
 * A session is over by its record as well as by its key: redis-server decides whether a key has expired by the time at which
 * a script began, and TIME tells a later one when the process was held up in between.
 *
 * Every script answers with a list that begins with now: no answer of theirs is nil, which is what a client or a
 * proxy in trouble makes of things, and none is taken for "there is no such session" unless it says so.
 */

/** The answer for a session that is not there. A nil reply would be too easy to come by. */
const NONE = `local NONE = { tostring(now) }
`;

/** Splits a record; `rest` is what follows the revision. */
const RECORD = `local function split(record)
  local created, authenticated, seen, idle, absolute, revision, rest =
    string.match(record, '^1 (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (.*)$')
  return created, authenticated, seen, idle, absolute, revision, rest
end
local function join(...) return table.concat({ '1', ... }, ' ') end
local function deadline(seen, idle, absolute) return math.min(seen + idle, tonumber(absolute)) end
local function isOver(seen, idle, absolute) return now > deadline(seen, idle, absolute) end
local function isNamed(index, id) return redis.call('ZSCORE', index, id) end
local CORRUPT = redis.error_reply('CORRUPT session record')
`;

/** Ends the sessions that `ids` names, of the user whose keys begin with `prefix`, and counts those that lived. */
const END = `local function endSessions(index, prefix, ids)
  local ended = 0
  for _, id in ipairs(ids) do
    ended = ended + redis.call('DEL', prefix .. id)
    redis.call('ZREM', index, id)
  end
  return ended
end
`;

/** The index outlives every session that it names. */
const REMEMBER = `local function remember(index, id, created, absolute)
  redis.call('ZADD', index, created, id)
  if redis.call('PTTL', index) < absolute - now then redis.call('PEXPIREAT', index, absolute) end
end
`;

/**
 * KEYS  1 session  2 index
 * ARGV  1 id  2 idleMs  3 absoluteMs  4 cap  5 prefix of the user's session keys  6 device, network and data
 *       7 id of the session that this one replaces, or empty
 * Returns now, record, how many sessions ended. Touches the user's other sessions, whose keys it learns from the index.
 */
export const create = defineScript(
  `${RECORD}${END}${REMEMBER}local prefix = ARGV[5]
local ended = endSessions(KEYS[2], prefix, { ARGV[7] })
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if redis.call('EXISTS', prefix .. id) == 0 then redis.call('ZREM', KEYS[2], id) end
end
redis.call('ZREM', KEYS[2], ARGV[1])
local excess = redis.call('ZCARD', KEYS[2]) + 1 - ARGV[4]
if excess > 0 then ended = ended + endSessions(KEYS[2], prefix, redis.call('ZRANGE', KEYS[2], 0, excess - 1)) end
local absolute = now + ARGV[3]
local record = join(now, now, now, ARGV[2], absolute, 0, ARGV[6])
redis.call('SET', KEYS[1], record, 'PXAT', deadline(now, ARGV[2], absolute))
remember(KEYS[2], ARGV[1], now, absolute)
return { tostring(now), record, ended }`,
  { declaresKeys: false, ends: true },
);

/**
 * KEYS  1 session  2 index
 * ARGV  1 touchEveryMs  2 id
 * Returns now, or now, record. A key that is gone stays gone.
 */
export const readAndTouch = defineScript(
  `local record = redis.call('GET', KEYS[1])
${NONE}if not record or not redis.call('ZSCORE', KEYS[2], ARGV[2]) then return NONE end
local touched, idles, ends = string.match(record, '^1 %d+ %d+ (%d+) (%d+) (%d+) ')
if touched and now > math.min(touched + idles, tonumber(ends)) then return NONE end
if touched and now - touched < tonumber(ARGV[1]) then return { tostring(now), record } end
${RECORD}local created, authenticated, seen, idle, absolute, revision, rest = split(record)
if not created then return CORRUPT end
record = join(created, authenticated, now, idle, absolute, revision, rest)
redis.call('SET', KEYS[1], record, 'PXAT', deadline(now, idle, absolute))
return { tostring(now), record }`,
  { declaresKeys: true },
);

/**
 * KEYS  1 session  2 index
 * ARGV  1 data  2 the revision that is expected, or empty  3 id
 * Returns now; now, 0 when the revision is another one; or now, record.
 */
export const update = defineScript(
  `local record = redis.call('GET', KEYS[1])
${NONE}if not record then return NONE end
${RECORD}if not isNamed(KEYS[2], ARGV[3]) then return NONE end
local created, authenticated, seen, idle, absolute, revision, rest = split(record)
if not created then return CORRUPT end
if isOver(seen, idle, absolute) then return NONE end
if ARGV[2] ~= '' and ARGV[2] ~= revision then return { tostring(now), 0 } end
local origin = string.match(rest, '^%S+ %S+')
if not origin then return CORRUPT end
record = join(created, authenticated, seen, idle, absolute, revision + 1, origin, ARGV[1])
redis.call('SET', KEYS[1], record, 'KEEPTTL')
return { tostring(now), record }`,
  { declaresKeys: true, ends: true },
);

/**
 * KEYS  1 session  2 session to be  3 index
 * ARGV  1 id  2 id to be  3 idleMs and 4 absoluteMs of a new proof, or both empty
 * Returns now, or now, record. Where only the second session is there, an earlier call has moved it already.
 */
export const rotate = defineScript(
  `${NONE}${RECORD}${END}${REMEMBER}local record = redis.call('GET', KEYS[1])
local isMoved = not record
if isMoved then record = redis.call('GET', KEYS[2]) end
if not record or not isNamed(KEYS[3], isMoved and ARGV[2] or ARGV[1]) then return NONE end
local created, authenticated, seen, idle, absolute, revision, rest = split(record)
if not created then return CORRUPT end
if isOver(seen, idle, absolute) then return NONE end
if isMoved then return { tostring(now), record } end
if ARGV[3] ~= '' then authenticated, idle, absolute = now, ARGV[3], now + ARGV[4] end
record = join(created, authenticated, now, idle, absolute, revision, rest)
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('SET', KEYS[2], record, 'PXAT', deadline(now, idle, absolute))
remember(KEYS[3], ARGV[2], created, tonumber(absolute))
return { tostring(now), record }`,
  { declaresKeys: true, ends: true },
);

/**
 * KEYS  1 session  2 index
 * ARGV  1 id
 * Returns now, or now, record: what it was.
 */
export const revoke = defineScript(
  `${NONE}local record = redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return record and { tostring(now), record } or NONE`,
  { declaresKeys: true, ends: true },
);

/**
 * KEYS  1 index  2 session that stays, or none
 * ARGV  1 prefix of the user's session keys  2 id of the session that stays, if any
 * Returns now, how many sessions ended; only now when the one that stays is not there.
 */
export const revokeAll = defineScript(
  `${NONE}${RECORD}${END}if KEYS[2] then
  local record = redis.call('GET', KEYS[2])
  if not record or not isNamed(KEYS[1], ARGV[2]) then return NONE end
  local created, _, seen, idle, absolute = split(record)
  if not created then return CORRUPT end
  if isOver(seen, idle, absolute) then return NONE end
end
local ids = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if id ~= ARGV[2] then table.insert(ids, id) end
end
return { tostring(now), endSessions(KEYS[1], ARGV[1], ids) }`,
  { declaresKeys: false, ends: true },
);

/**
 * KEYS  1 index
 * ARGV  1 prefix of the user's session keys
 * Returns now, then id, record of each live session, newest first.
 */
export const list = defineScript(
  `${RECORD}local found = { tostring(now) }
for _, id in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, -1)) do
  local record = redis.call('GET', ARGV[1] .. id)
  local created, _, seen, idle, absolute
  if record then created, _, seen, idle, absolute = split(record) end
  if record and not (created and isOver(seen, idle, absolute)) then
    table.insert(found, id)
    table.insert(found, record)
  end
end
return found`,
  { declaresKeys: false },
);
