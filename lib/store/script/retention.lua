-- SPDX-License-Identifier: BSD-2-Clause
-- Set when a day's events, their index and counters end; a part of them.
-- KEYS  1 stream of the day
-- ARGV  1 prefix of the counters  2 day  3 its end, s  4 days that events are
--       kept  5 6 first and last shard of the index  7 "1": rewrite these, so
--       that they take no more room than they need; then tenants, whose
--       counters are set, too
-- Returns 1, or 0: there is no such day.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local now = tonumber(redis.call('TIME')[1])
local at = tonumber(ARGV[3]) + tonumber(ARGV[4]) * 86400
local over = at <= now
local text = string.format('%.0f', at)

local function set(key)
  if over then
    redis.call('UNLINK', key)
  else
    redis.call('EXPIREAT', key, text)
  end
end

for shard = tonumber(ARGV[5]), tonumber(ARGV[6]) do
  local key = ARGV[1] .. 'i:' .. ARGV[2] .. string.format(':%03x', shard)
  if ARGV[7] == '1' and not over then
    local records = redis.call('GET', key)
    if records then redis.call('SET', key, records) end
  end
  set(key)
end
for i = 8, #ARGV do
  for hour = 0, 23 do
    set(ARGV[1] .. ARGV[i] .. ':' .. ARGV[2] .. string.format('%02d', hour))
  end
end
-- Last: without it the rest would not be looked for.
if ARGV[6] == '4095' then set(KEYS[1]) end
return 1
