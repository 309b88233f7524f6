package bearerredis

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// script is a Lua script, which Redis runs atomically. Its SHA-1 is a literal
// because a program in FIPS 140 mode must not compute one. A test compares.
type script struct{ sha1, source string }

// eval runs a script by its hash. If the server does not have the script, as
// after a restart, eval sends the source.
func (c *Client) eval(ctx context.Context, s script, keys []string, args ...any) *redis.Cmd {
	reply := c.redis.EvalSha(ctx, s.sha1, keys, args...)
	if redis.HasErrorPrefix(reply.Err(), "NOSCRIPT") {
		reply = c.redis.Eval(ctx, s.source, keys, args...)
	}
	return reply
}

// setScript stores the value ARGV[1] for ARGV[2] milliseconds, unless the key is
// a tombstone.
var setScript = script{
	sha1: "35541a4fde9ef7cf468b6b74a742ffaa9b2e1140",
	source: `if redis.call('GET', KEYS[1]) == '' then return 0 end
redis.call('SET', KEYS[1], 'v' .. ARGV[1], 'PX', ARGV[2])
return 1`,
}

// forgetScript replaces a value by a tombstone for ARGV[1] milliseconds and
// publishes the key ARGV[3] on the channel ARGV[2]. It never shortens the life of
// an existing tombstone. DEL comes first, because Redis lets a script that has
// written continue when memory is exhausted. If SET or PUBLISH fails, the script
// still does the rest and then returns the error.
var forgetScript = script{
	sha1: "0182be9678d3f0d8a116c0337821282f27eee268",
	source: `local ms = tonumber(ARGV[1])
if redis.call('GET', KEYS[1]) == '' then ms = math.max(ms, redis.call('PTTL', KEYS[1])) end
redis.call('DEL', KEYS[1])
local kept = ms > 0 and redis.pcall('SET', KEYS[1], '', 'PX', ms)
local told = redis.pcall('PUBLISH', ARGV[2], ARGV[3])
if type(kept) == 'table' and kept.err then return kept end
return told`,
}

// useScript stores the proof KEYS[1] for ARGV[1] milliseconds and counts it in
// KEYS[2]. It returns nil if the proof is already stored, the status QUOTA if the
// counter has reached ARGV[2], and otherwise OK: the replies of SET with NX, and
// QUOTA. The counter expires with the first proof that it counted.
var useScript = script{
	sha1: "28650ed69913a9cd20d583a5aba31ed081d5b9c4",
	source: `if redis.call('EXISTS', KEYS[1]) == 1 then return false end
if tonumber(redis.call('GET', KEYS[2]) or 0) >= tonumber(ARGV[2]) then return redis.status_reply('QUOTA') end
redis.call('SET', KEYS[1], '', 'PX', ARGV[1])
if redis.call('INCR', KEYS[2]) == 1 then redis.call('PEXPIRE', KEYS[2], ARGV[1]) end
return redis.status_reply('OK')`,
}

// countScript counts a proof in KEYS[1] and has the replies of useScript. A
// Cluster needs it, because the proof and the counter are in different slots.
var countScript = script{
	sha1: "618504f6098dea0fdcf63cff7662ee9dc697c780",
	source: `if tonumber(redis.call('GET', KEYS[1]) or 0) >= tonumber(ARGV[2]) then return redis.status_reply('QUOTA') end
if redis.call('INCR', KEYS[1]) == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return redis.status_reply('OK')`,
}

// The scripts of the deny list share the four keys that keyspace.denials
// returns. An entry is "UNTIL BEFORE"; see parseDenial. The epoch is a random
// text. It changes when Redis has lost the list, or when the whole list has
// expired. Versions of different epochs cannot be compared. All four keys expire
// at the same time, so none outlives the others.

// denyScript adds or strengthens the entry ARGV[4] at the time ARGV[1]. UNTIL is
// ARGV[2] and BEFORE is ARGV[3]; the later value of each wins, and '*' is later
// than any time. The script ignores an existing entry that has expired. It first
// removes up to 100 expired entries. It returns the version of the list that has
// the entry.
var denyScript = script{
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

// liftScript removes the entry ARGV[2] at the time ARGV[1]. It keeps the name in
// the log for an hour, so that every instance learns of the removal, even if
// Redis has no such entry: an instance may still know the entry from a list that
// Redis has lost.
var liftScript = script{
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

// changesScript returns up to ARGV[2] changes since the version ARGV[1] of the
// epoch ARGV[3]. The reply is the version after these changes, the epoch, and for
// each change the name, the version and the entry. The epoch is empty if there is
// no list. The entry is empty if it was lifted. If the list's version is
// malformed, the reply is empty.
var changesScript = script{
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
