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

// use keeps a proof for some milliseconds, unless it is there or its owner's
// counter, the second key, has reached its bound. It answers as SET with NX does,
// or with the status QUOTA. A counter starts anew when the first proof that it
// counted is over.
var use = script{
	sha1: "28650ed69913a9cd20d583a5aba31ed081d5b9c4",
	source: `if redis.call('EXISTS', KEYS[1]) == 1 then return false end
if tonumber(redis.call('GET', KEYS[2]) or 0) >= tonumber(ARGV[2]) then return redis.status_reply('QUOTA') end
redis.call('SET', KEYS[1], '', 'PX', ARGV[1])
if redis.call('INCR', KEYS[2]) == 1 then redis.call('PEXPIRE', KEYS[2], ARGV[1]) end
return redis.status_reply('OK')`,
}

// The scripts of a deny list share four keys: a hash of entries, "UNTIL BEFORE"
// by name; sorted sets of the names by until when they are kept, and by the
// version of the list that changed them; and "VERSION EPOCH". The epoch is a
// random text that the caller brings, and another one when Redis has lost the
// list, or all of it has ended: versions of two epochs do not compare. No key
// expires before another, so that none outlives what it speaks of.

// deny adds an entry, and never weakens one that is there and has not ended: the
// later time holds, and the later second, of which '*' is the latest. What has
// ended makes room. It returns the version that has the entry.
var deny = script{
	sha1: "540096cdbe429c5f1da97e4fe637307f082c3123",
	source: `local now, till, before, name = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
for _, ended in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('HDEL', KEYS[1], ended)
  redis.call('ZREM', KEYS[2], ended)
  redis.call('ZREM', KEYS[3], ended)
end
local t, b = string.match(redis.call('HGET', KEYS[1], name) or '', '^(%d+) (.*)$')
if t and tonumber(t) > now then
  till = math.max(till, tonumber(t))
  local second = tonumber(b)
  if not second then before = '*' elseif before ~= '*' and second > tonumber(before) then before = b end
end
local version, epoch = string.match(redis.call('GET', KEYS[4]) or '', '^(%d+) (.+)$')
version = math.max(tonumber(version or 0) + 1, now)
local ms = till - now
for _, key in ipairs(KEYS) do ms = math.max(ms, redis.call('PTTL', key)) end
redis.call('HSET', KEYS[1], name, string.format('%.0f', till) .. ' ' .. before)
redis.call('ZADD', KEYS[2], till, name)
redis.call('ZADD', KEYS[3], version, name)
redis.call('SET', KEYS[4], string.format('%.0f', version) .. ' ' .. (epoch or ARGV[5]))
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ms) end
return version`,
}

// lift takes an entry away, and keeps its name for an hour, so that all who
// follow the list hear of it: also if Redis has no such entry, which some of
// them may know from before it lost the list.
var lift = script{
	sha1: "630993248ad4e95ff6ce660e76e6d449a79e7ced",
	source: `local now, name = tonumber(ARGV[1]), ARGV[2]
redis.call('HDEL', KEYS[1], name)
local version, epoch = string.match(redis.call('GET', KEYS[4]) or '', '^(%d+) (.+)$')
version = math.max(tonumber(version or 0) + 1, now)
local ms = 3600000
for _, key in ipairs(KEYS) do ms = math.max(ms, redis.call('PTTL', key)) end
redis.call('ZADD', KEYS[2], now + 3600000, name)
redis.call('ZADD', KEYS[3], version, name)
redis.call('SET', KEYS[4], string.format('%.0f', version) .. ' ' .. (epoch or ARGV[3]))
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ms) end
return version`,
}

// news returns what changed since a version of an epoch: the version that this
// leads to, and the epoch, which is empty if there is no list; and of each change
// the name, the version, and the entry, which is empty if it was taken away. If
// the list's version is none, it returns nothing.
var news = script{
	sha1: "7af33b4e8e9ac6c9d0021ef4cc6b023ae88e2fe9",
	source: `local since = tonumber(ARGV[1])
local kept = redis.call('GET', KEYS[4])
if not kept then return {'0', ''} end
local version, epoch = string.match(kept, '^(%d+) (.+)$')
if not version then return {} end
if epoch ~= ARGV[3] or tonumber(version) < since then since = 0 end
local log = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. string.format('%.0f', since), '+inf', 'WITHSCORES', 'LIMIT', 0, tonumber(ARGV[2]))
local answer = {log[#log] or version, epoch}
for i = 1, #log, 2 do
  answer[#answer + 1] = log[i]
  answer[#answer + 1] = log[i + 1]
  answer[#answer + 1] = redis.call('HGET', KEYS[1], log[i]) or ''
end
return answer`,
}
