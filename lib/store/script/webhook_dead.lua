-- SPDX-License-Identifier: BSD-2-Clause
-- webhook_dead: one page of dead letters, oldest first.
-- KEYS: dead, deadmeta.  ARGV: score behind which to begin, limit.
-- Returns id, score, "kind attempts made-at events text" in turn.
local out = {}
local rows = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf',
  'WITHSCORES', 'LIMIT', 0, ARGV[2])
for i = 1, #rows, 2 do
  out[#out + 1] = rows[i]
  out[#out + 1] = rows[i + 1]
  out[#out + 1] = redis.call('HGET', KEYS[2], rows[i]) or '0 0 0 0 '
end
return out
