-- SPDX-License-Identifier: BSD-2-Clause
-- Begin to keep a mail for an application.  May be repeated.
-- KEYS  1 record  2 room taken by contents
-- ARGV  1 today, days since 1970  2 the day on which it ends  3 TTL until it is
--       all there, s  4 its octets  5 most octets of all  6 TTL of the room, s
-- Returns 1: go on, 2: it was there before, 0: no room.
-- A record's c: c coming, k kept, t taken by all.
local record, room = KEYS[1], KEYS[2]
local state = redis.call('HGET', record, 'c')
if state then return state == 'c' and 1 or 2 end
local sum, today = tonumber(ARGV[4]), tonumber(ARGV[1])
local all = redis.call('HGETALL', room)
for i = 1, #all, 2 do
  if tonumber(all[i]) < today then
    redis.call('HDEL', room, all[i])
  else
    sum = sum + tonumber(all[i + 1])
  end
end
if sum > tonumber(ARGV[5]) then return 0 end
redis.call('HINCRBY', room, ARGV[2], ARGV[4])
redis.call('EXPIRE', room, ARGV[6])
redis.call('HSET', record, 'c', 'c', 'd', ARGV[2], 'z', ARGV[4])
redis.call('EXPIRE', record, ARGV[3])
return 1
