-- SPDX-License-Identifier: BSD-2-Clause
-- What the scheduler says of mail in flight, by Redis's own clock.
-- KEYS  1 gate
-- ARGV  1 in flight  2 at most
-- Returns 1.
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'n', ARGV[1], 'm', ARGV[2], 't',
  string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)))
redis.call('EXPIRE', KEYS[1], 60)
return 1
