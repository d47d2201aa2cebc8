-- SPDX-License-Identifier: BSD-2-Clause
-- Book a message with all day caps on the first day on which all have room.
-- KEYS  the days
-- ARGV  1 TTL, s; then name and quantity of each cap
-- Returns the number of the day, or 0: none has room.
local names = {}
for i = 2, #ARGV, 2 do names[#names + 1] = ARGV[i] end
for day, key in ipairs(KEYS) do
  local used, room = redis.call('HMGET', key, unpack(names)), true
  for i = 1, #names do
    if tonumber(used[i] or 0) >= tonumber(ARGV[2 * i + 1]) then
      room = false
    end
  end
  if room then
    for i = 1, #names do redis.call('HINCRBY', key, names[i], 1) end
    redis.call('EXPIRE', key, ARGV[1])
    return day
  end
end
return 0
