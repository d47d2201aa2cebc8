-- SPDX-License-Identifier: BSD-2-Clause
-- Give back what was booked with day caps.
-- KEYS  1 the day
-- ARGV  names of the caps
-- Returns 1.
for i = 1, #ARGV do
  if tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or 0) > 0 then
    redis.call('HINCRBY', KEYS[1], ARGV[i], -1)
  end
end
return 1
