-- SPDX-License-Identifier: BSD-2-Clause
-- retry_keep: what events or attempts have changed, and the reader's position.
-- KEYS  1 positions  2 sorted set by time  3 records
-- ARGV  1 consumer  2 position expected  3 next, or nothing: it stays
--       then 3 for each: queue id, time in ms (0: stays), record or nothing
--       (forget it)
-- Returns 1, or 0: the position is another one, and nothing was written.
if ARGV[3] ~= '' then
  if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
for i = 4, #ARGV, 3 do
  local id, at, record = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if record == '' then
    redis.call('ZREM', KEYS[2], id)
    redis.call('HDEL', KEYS[3], id)
  else
    if at ~= '0' then redis.call('ZADD', KEYS[2], at, id) end
    redis.call('HSET', KEYS[3], id, record)
  end
end
return 1
