-- SPDX-License-Identifier: BSD-2-Clause
-- Begin to keep a message that was refused.  May be repeated.
-- KEYS  1 record  2 index of the tenant's records  3 room taken by contents
-- ARGV  1 id  2 now, ms  3 time to keep, s  4 content wanted (a letter)
--       5 its octets  6 most octets of all  7 most contents  8 most records
--       9 what stands before the id in the key of a record, then fields and
--       values of the record
-- Returns the letter of what becomes of the content.
local record, index, room = KEYS[1], KEYS[2], KEYS[3]
local id, now, ttl = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local content, octets = ARGV[4], tonumber(ARGV[5])

local before = redis.call('HGET', record, 'c')
if before then return before end

local function live_at_least(key)
  if redis.call('TTL', key) < ttl then redis.call('EXPIRE', key, ttl) end
end

if content == 'c' then
  local all = redis.call('HGETALL', room)
  local sum, contents = 0, 0
  for i = 1, #all, 2 do
    local expires, size = all[i + 1]:match('^(%d+) (%d+)$')
    if tonumber(expires) <= now then
      redis.call('HDEL', room, all[i])
    else
      sum, contents = sum + tonumber(size), contents + 1
    end
  end
  if sum + octets > tonumber(ARGV[6]) or contents >= tonumber(ARGV[7]) then
    content = 'f'
  else
    redis.call('HSET', room, id,
      string.format('%.0f %.0f', now + ttl * 1000, octets))
    live_at_least(room)
  end
end
redis.call('HSET', record, 'c', content, unpack(ARGV, 10))
redis.call('EXPIRE', record, ttl)

-- The oldest ones: those whose time is over, and those beyond the number.
redis.call('ZADD', index, 0, id)
live_at_least(index)
local beyond = redis.call('ZCARD', index) - tonumber(ARGV[8])
for i, old in ipairs(redis.call('ZRANGE', index, 0, 19)) do
  local key = ARGV[9] .. old
  if i <= beyond or redis.call('EXISTS', key) == 0 then
    redis.call('UNLINK', key)
    redis.call('ZREM', index, old)
    redis.call('HDEL', room, old)
  end
end
return content
