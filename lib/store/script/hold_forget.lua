-- SPDX-License-Identifier: BSD-2-Clause
-- Messages that are not held any more.
-- KEYS  1 due  2 ready  3 of  4 count
-- ARGV  queue ids
-- Returns 1.
local gone = {}
for i = 1, #ARGV, 1000 do
  local last = math.min(i + 999, #ARGV)
  redis.call('ZREM', KEYS[1], unpack(ARGV, i, last))
  redis.call('ZREM', KEYS[2], unpack(ARGV, i, last))
  local records = redis.call('HMGET', KEYS[3], unpack(ARGV, i, last))
  for k = 1, last - i + 1 do
    -- One that is named twice is counted once.
    local record = records[k] and redis.call('HDEL', KEYS[3], ARGV[i + k - 1])
    if record == 1 then
      local reason = records[k]:sub(1, 1)
      gone[reason] = (gone[reason] or 0) + 1
    end
  end
end
for reason, n in pairs(gone) do
  redis.call('HINCRBY', KEYS[4], reason, -n)
end
return 1
