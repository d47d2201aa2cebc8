-- SPDX-License-Identifier: BSD-2-Clause
-- Leave the facts of a message for the log follower, and write the events of
-- recipients that were taken off.  May be repeated.
-- KEYS  1 message  2 3 streams before and behind midnight
-- ARGV  1 midnight, ms  2 prefix of the counters  3 minute  4 created, ms
--       5 tenant  6 facts  7 queue id  8 TTL, s  9 status and 10 origin of
--       the events  11 "1": for an archive  12 number of recipients, then
--       these, then address and reason of each that was taken off
-- Returns 1.
--@ append.inc.lua
local key, tenant, ttl = KEYS[1], ARGV[5], tonumber(ARGV[8])
local n = tonumber(ARGV[12])

-- An older message that had the same queue id?
local removed = redis.call('HGET', key, 'x')
if removed and tonumber(removed) < tonumber(ARGV[4]) then
  redis.call('DEL', key)
end
if ARGV[11] == '1' then
  redis.call('HSET', key, 't', tenant, 'f', ARGV[6], 'b', '1')
elseif n > 0 and redis.call('HEXISTS', key, 'i') == 0 then
  redis.call('HSET', key, 't', tenant, 'f', ARGV[6])
  for i = 13, 12 + n do
    redis.call('HSETNX', key, 'r' .. ARGV[i], 'p-')
  end
end
if #ARGV > 12 + n and redis.call('HGET', key, 'k') ~= ARGV[4] then
  local first
  stream_open(KEYS[2], KEYS[3], tonumber(ARGV[1]))
  for i = 13 + n, #ARGV, 2 do
    local id = append('f', tenant, ARGV[i], ARGV[7], pointer(first), ARGV[9],
      '', ARGV[4], ARGV[i + 1], '', ARGV[10], first and '' or ARGV[6])
    first = first or id
    count_event(tenant, ARGV[3], 'f', ARGV[9])
  end
  counters_write(ARGV[2])
  redis.call('HSET', key, 'k', ARGV[4])
  if n == 0 then ttl = 86400 end
end
redis.call('EXPIRE', key, ttl)
return 1
