package bearerredis

// A script is run by Redis as a whole, or not at all. Its hash stands here
// since programs in FIPS 140 mode must not compute a SHA-1; a test compares.
type script struct{ sha1, source string }

// keep sets a value for some milliseconds, unless there is a tombstone.
var keep = script{
	sha1: "35541a4fde9ef7cf468b6b74a742ffaa9b2e1140",
	source: `if redis.call('GET', KEYS[1]) == '' then return 0 end
redis.call('SET', KEYS[1], 'v' .. ARGV[1], 'PX', ARGV[2])
return 1`,
}

// forget puts a tombstone, which never shortens the time of one that is there,
// and publishes the key. DEL comes first, as Redis lets a script that has
// written go on when memory is exhausted; a user that may not publish, or a
// server that does not keep, still does the rest, and the failure is returned.
var forget = script{
	sha1: "0182be9678d3f0d8a116c0337821282f27eee268",
	source: `local ms = tonumber(ARGV[1])
if redis.call('GET', KEYS[1]) == '' then ms = math.max(ms, redis.call('PTTL', KEYS[1])) end
redis.call('DEL', KEYS[1])
local kept = ms > 0 and redis.pcall('SET', KEYS[1], '', 'PX', ms)
local told = redis.pcall('PUBLISH', ARGV[2], ARGV[3])
if type(kept) == 'table' and kept.err then return kept end
return told`,
}

// The scripts of a deny list share four keys: a hash of entries, "UNTIL BEFORE"
// by name; sorted sets of the names by until when they are kept, and by the
// version of the list that changed them; and that version. It never falls behind
// the clock, so that it is another one even if Redis has lost the list.

// deny adds an entry, and never weakens one that is there: the later time holds,
// and the later second, of which '*' is the latest. What has ended makes room.
var deny = script{
	sha1: "b5770499b9ce263e45a26ce36a539086b7ffab6a",
	source: `local now, till, before, name = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
for _, ended in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('HDEL', KEYS[1], ended)
  redis.call('ZREM', KEYS[2], ended)
  redis.call('ZREM', KEYS[3], ended)
end
local there = redis.call('HGET', KEYS[1], name)
if there then
  local t, b = string.match(there, '^(%d+) (.*)$')
  till = math.max(till, tonumber(t or 0))
  local second = tonumber(b)
  if not second then before = '*' elseif before ~= '*' and second > tonumber(before) then before = b end
end
local version = math.max(tonumber(redis.call('GET', KEYS[4]) or 0) + 1, now)
local ms = math.max(till - now, redis.call('PTTL', KEYS[1]))
redis.call('HSET', KEYS[1], name, string.format('%.0f', till) .. ' ' .. before)
redis.call('ZADD', KEYS[2], till, name)
redis.call('ZADD', KEYS[3], version, name)
redis.call('SET', KEYS[4], string.format('%.0f', version))
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ms) end
return 1`,
}

// lift takes an entry away, and keeps its name for an hour, so that all who
// follow the list hear of it.
var lift = script{
	sha1: "8f50ab3d8f043ddb4838aead9d5a2fb16e5d74fb",
	source: `local now, name = tonumber(ARGV[1]), ARGV[2]
if redis.call('HDEL', KEYS[1], name) == 0 then return 0 end
local version = math.max(tonumber(redis.call('GET', KEYS[4]) or 0) + 1, now)
local ms = math.max(3600000, redis.call('PTTL', KEYS[3]))
redis.call('ZADD', KEYS[2], now + 3600000, name)
redis.call('ZADD', KEYS[3], version, name)
redis.call('SET', KEYS[4], string.format('%.0f', version))
for i = 2, 4 do redis.call('PEXPIRE', KEYS[i], ms) end
return 1`,
}

// news returns what changed since a version: the version that this leads to,
// and of each change the name and the entry, which is empty if it was taken away.
var news = script{
	sha1: "91a14b3d55a5f5237fd80935ec5c57199165b5bd",
	source: `local since = tonumber(ARGV[1])
local version = tonumber(redis.call('GET', KEYS[4]) or 0)
if version < since then since = 0 end
if version == since then return {string.format('%.0f', version)} end
local log = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. string.format('%.0f', since), '+inf', 'WITHSCORES', 'LIMIT', 0, tonumber(ARGV[2]))
local answer = {log[#log] or string.format('%.0f', version)}
for i = 1, #log, 2 do
  answer[#answer + 1] = log[i]
  answer[#answer + 1] = redis.call('HGET', KEYS[1], log[i]) or ''
end
return answer`,
}
