-- SPDX-License-Identifier: BSD-2-Clause
-- Errors that have just blocked an address: kept for the case that they turn
-- out to be of an outbreak.
-- KEYS  1 outbreaks of the tenant
-- ARGV  1 window, ms, then for each: provider, shape, when in ms, address,
--       event id
-- Returns for each 1 when such an outbreak has begun since it was counted.
--@ outbreak.inc.lua
local BLOCKED_MAX = 10000
local window = tonumber(ARGV[1])
local ttl = string.format('%.0f', 2 * window)
local flags = {}

for i = 2, #ARGV, 5 do
  local provider, shape, at = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local o = outbreak_get(provider, shape)
  if o and is_frozen(o, tonumber(at)) then
    flags[#flags + 1] = 1
  else
    local key = blocked_key(provider, shape)
    redis.call('ZADD', key, at, ARGV[i + 3] .. '\t' .. ARGV[i + 4])
    redis.call('ZREMRANGEBYSCORE', key, '-inf',
      string.format('(%.0f', tonumber(at) - 2 * window))
    redis.call('ZREMRANGEBYRANK', key, 0, -BLOCKED_MAX - 1)
    redis.call('PEXPIRE', key, ttl)
    flags[#flags + 1] = 0
  end
end
return flags
