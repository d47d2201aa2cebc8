-- SPDX-License-Identifier: BSD-2-Clause
-- Leave the facts of a message for the log follower, write the events of
-- recipients that were taken off, and decide whether it is held.  May be
-- repeated.
-- KEYS  1 message  2 3 streams before and behind midnight; where it may be
--       held: 4 due  5 ready  6 of  7 count  8 gate
-- ARGV  1 midnight, ms  2 prefix of the counters  3 minute  4 created, ms
--       5 tenant  6 facts  7 queue id  8 TTL, s  9 status and 10 origin of
--       the events  11 "1": for an archive  12 days that events are kept
--       13 "h": it is held, "g": the gate decides, empty: it is not held;
--       if not empty: its queue id, record, score in due (0: none), score in
--       ready, where the next lower priority begins there, for how many ms a
--       gate holds, TTL of what is held, s
--       then number of recipients, then these, then address and reason of each
--       that was taken off
-- Returns 1; 2: it is held.
--@ append.inc.lua
--@ hold_put.inc.lua
local key, tenant, ttl = KEYS[1], ARGV[5], tonumber(ARGV[8])
local at = ARGV[13] == '' and 14 or 21
local n, result = tonumber(ARGV[at]), 1

-- Does it wait for its turn?  With nobody to release it, it does not.
local function waits()
  local gate = redis.call('HMGET', KEYS[8], 'n', 'm', 't')
  if not gate[3] then return false end
  local time = redis.call('TIME')
  local age = time[1] * 1000 + math.floor(time[2] / 1000) - gate[3]
  if age > tonumber(ARGV[19]) then return false end
  local first = redis.call('ZRANGE', KEYS[5], 0, 0, 'WITHSCORES')[2]
  if first and tonumber(first) < tonumber(ARGV[18]) then return true end
  if tonumber(gate[1]) >= tonumber(gate[2]) then return true end
  redis.call('HINCRBY', KEYS[8], 'n', 1)
  return false
end

-- An older message that had the same queue id?
local removed = redis.call('HGET', key, 'x')
if removed and tonumber(removed) < tonumber(ARGV[4]) then
  redis.call('DEL', key)
end
if ARGV[11] == '1' then
  redis.call('HSET', key, 't', tenant, 'f', ARGV[6], 'b', '1')
elseif n > 0 and redis.call('HEXISTS', key, 'i') == 0 then
  redis.call('HSET', key, 't', tenant, 'f', ARGV[6])
  for i = at + 1, at + n do
    redis.call('HSETNX', key, 'r' .. ARGV[i], 'p-')
  end
end
if #ARGV > at + n and redis.call('HGET', key, 'k') ~= ARGV[4] then
  local first
  stream_open(KEYS[2], KEYS[3], tonumber(ARGV[1]), tonumber(ARGV[12]))
  for i = at + n + 1, #ARGV, 2 do
    local id = append({t = 'f', n = tenant, r = ARGV[i], q = ARGV[7],
      m = first, s = ARGV[9], w = ARGV[4], x = ARGV[i + 1], o = ARGV[10],
      f = first and '' or ARGV[6]})
    first = first or id
    count_event(ARGV[2], tenant, ARGV[3], 'f', ARGV[9], ARGV[i])
  end
  events_close(ARGV[2])
  redis.call('HSET', key, 'k', ARGV[4])
  if n == 0 then ttl = 86400 end
end
if ARGV[13] ~= '' and (ARGV[13] == 'h' or
    redis.call('HEXISTS', KEYS[6], ARGV[14]) == 1 or waits()) then
  hold_put(4, ARGV[14], ARGV[15], ARGV[16], ARGV[17])
  ttl, result = tonumber(ARGV[20]), 2
end
redis.call('EXPIRE', key, ttl)
return result
