-- SPDX-License-Identifier: BSD-2-Clause
-- Append events; with a consumer, move its position with them.
-- KEYS  1 2 streams before and behind midnight  3 positions, if a consumer
-- ARGV  1 midnight, ms  2 prefix of the counters  3 consumer
--       4 position expected  5 next  6 days that events are kept, then for
--       each event its minute and the values of its 13 fields
-- Returns {1, id of the last event (DAY/MS-SEQ)}, or {0, position as it is}.
--@ append.inc.lua
if KEYS[3] then
  local current = redis.call('HGET', KEYS[3], ARGV[3]) or ''
  if current ~= ARGV[4] then return {0, current} end
  redis.call('HSET', KEYS[3], ARGV[3], ARGV[5])
end
local id = ''
if #ARGV > 6 then
  stream_open(KEYS[1], KEYS[2], tonumber(ARGV[1]), tonumber(ARGV[6]))
end
for i = 7, #ARGV, 14 do
  id = append_values(ARGV[2], i)
end
if #ARGV > 6 then events_close(ARGV[2]) end
return {1, id}
