-- SPDX-License-Identifier: BSD-2-Clause
-- retry_take: the messages that are due, of those that are in the queue still.
-- KEYS  1 sorted set by time  2 records
-- ARGV  1 now, ms  2 how many at most  3 prefix of the messages' keys, which
--       lie in the same slot
-- Returns the time of the first that is not due (or 0), then for each that is:
-- queue id, time, record.
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1],
  'WITHSCORES', 'LIMIT', 0, ARGV[2])
local next = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf',
  'WITHSCORES', 'LIMIT', 0, 1)
local out = {next[2] or '0'}

for i = 1, #due, 2 do
  local id = due[i]
  local record = redis.call('HGET', KEYS[2], id)
  local message = ARGV[3] .. id
  -- "x": the log follower has seen it leave the queue.
  if record and redis.call('EXISTS', message) == 1 and
      redis.call('HEXISTS', message, 'x') == 0 then
    out[#out + 1] = id
    out[#out + 1] = due[i + 1]
    out[#out + 1] = record
  else
    redis.call('ZREM', KEYS[1], id)
    redis.call('HDEL', KEYS[2], id)
  end
end
return out
