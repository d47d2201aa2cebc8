-- SPDX-License-Identifier: BSD-2-Clause
-- Note the error that a DSN tells of one recipient of a message, once.
-- KEYS  1 message  2 3 streams before and behind midnight
-- ARGV  1 midnight, ms  2 prefix of the counters  3 minute  4 when, ms
--       5 queue id  6 original recipient  7 final recipient  8 status
--       9 reason  10 relay  11 TTL, s; then, when the message was looked up
--       in the streams: 12 tenant  13 id of its first event  14 ...
--       recipients
-- Returns 0 recorded, 1 told before, 2 unknown, -1 look it up.
--@ append.inc.lua
local key, h, order = KEYS[1], {}, {}
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do
  h[all[i]] = all[i + 1]
  if all[i]:sub(1, 1) == 'r' then order[#order + 1] = all[i]:sub(2) end
end
-- A copy for an archive: nobody asked for a report of it.
if h.b then return 1 end
if #order == 0 then
  if not ARGV[12] then return -1 end
  if not ARGV[14] then return 2 end
  h.t, h.i = ARGV[12], ARGV[13]
  redis.call('HSET', key, 't', h.t, 'i', h.i, 'x', ARGV[4])
  for i = 14, #ARGV do
    if not h['r' .. ARGV[i]] then
      order[#order + 1] = ARGV[i]
      h['r' .. ARGV[i]] = 's-'
      redis.call('HSET', key, 'r' .. ARGV[i], 's-')
    end
  end
  redis.call('EXPIRE', key, ARGV[11])
end

local recipient, status = nil, ARGV[8]
if h['r' .. ARGV[6]] then
  recipient = ARGV[6]
elseif h['r' .. ARGV[7]] then
  recipient = ARGV[7]
elseif #order == 1 then
  -- An address that the message was not sent to: it was forwarded.  A DSN
  -- that names nobody says nothing about that.
  recipient = order[1]
  if ARGV[6] ~= '' or ARGV[7] ~= '' then status = '6' end
else
  return 2
end
local state = h['r' .. recipient]
if state:sub(2, 2) == 'E' then return 1 end
redis.call('HSET', key, 'r' .. recipient,
  state:sub(1, 1) .. 'E' .. state:sub(3))
stream_open(KEYS[2], KEYS[3], tonumber(ARGV[1]))
local tenant = h.t or 'default'
append('b', tenant, recipient, ARGV[5], pointer(h.i), status, '', ARGV[4],
  ARGV[9], ARGV[10], '', '')
count_event(tenant, ARGV[3], 'b', status)
counters_write(ARGV[2])
return 0
