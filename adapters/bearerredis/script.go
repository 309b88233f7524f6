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

// deny keeps what an entry of a deny list says for some milliseconds, and never
// weakens one that is there: the longer time holds, and the later second, of
// which '*' is the latest.
var deny = script{
	sha1: "24904bfc52eda5db675df65fc2d6da6738919752",
	source: `local ms, before = tonumber(ARGV[1]), ARGV[2]
local there = redis.call('GET', KEYS[1])
if there then
  ms = math.max(ms, redis.call('PTTL', KEYS[1]))
  local second = tonumber(there)
  if not second then before = '*' elseif before ~= '*' and second > tonumber(before) then before = there end
end
redis.call('SET', KEYS[1], before, 'PX', ms)
return 1`,
}
