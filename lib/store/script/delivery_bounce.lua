-- SPDX-License-Identifier: BSD-2-Clause
-- Note what a mail that came back tells of one recipient of a message, once:
-- an error, or a complaint.
-- KEYS  1 message  2 3 streams before and behind midnight
-- ARGV  1 midnight, ms  2 prefix of the counters  3 minute  4 when, ms
--       5 queue id  6 letter of the event (b, c)  7 its origin: it is not to
--       be counted; or empty  8 original recipient  9 final recipient
--       10 status  11 reason  12 relay  13 TTL, s  14 "1": the message had one
--       recipient  15 class  16 days that events are kept  17 number of all
--       recipients that the mail names, then these; then, when the message was
--       looked up in the streams: tenant, id of its first event, recipients
-- Returns 0 recorded, 1 told before, 2 unknown, -1 look it up, or, of a message
-- that had one recipient and now has several, these.
--
-- In the message's hash: cADDRESS its complaint was told; uADDRESS, vADDRESS an
-- error, a complaint was told that is not to be counted.
--@ append.inc.lua
local key, h, order = KEYS[1], {}, {}
local complaint, origin = ARGV[6] == 'c', ARGV[7]
local named = tonumber(ARGV[17])
local at = 18 + named
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do
  h[all[i]] = all[i + 1]
  if all[i]:sub(1, 1) == 'r' then order[#order + 1] = all[i]:sub(2) end
end
-- A copy for an archive: nobody asked for a report of it.
if h.b then return 1 end
if #order == 0 then
  if not ARGV[at] then return -1 end
  if not ARGV[at + 2] then return 2 end
  h.t, h.i = ARGV[at], ARGV[at + 1]
  redis.call('HSET', key, 't', h.t, 'i', h.i, 'x', ARGV[4])
  for i = at + 2, #ARGV do
    if not h['r' .. ARGV[i]] then
      order[#order + 1] = ARGV[i]
      h['r' .. ARGV[i]] = 's-'
      redis.call('HSET', key, 'r' .. ARGV[i], 's-')
    end
  end
  redis.call('EXPIRE', key, ARGV[13])
end

-- Some hosts change the case of a local part.
local function find(address)
  if address == '' then return nil end
  if h['r' .. address] then return address end
  local lower = address:lower()
  for i = 1, #order do
    if order[i]:lower() == lower then return order[i] end
  end
end

local status = ARGV[10]
local recipient = find(ARGV[8]) or find(ARGV[9])
if not recipient then
  -- One that is ours beside it: then this one is not of the message.
  for i = 18, 17 + named do
    if find(ARGV[i]) then return 2 end
  end
  if #order > 1 then
    if ARGV[14] == '1' then return order end
    return 2
  end
  -- An address that the message was not sent to: it was forwarded.  A mail
  -- that names nobody says nothing about that.
  recipient = order[1]
  if not complaint and (ARGV[8] ~= '' or ARGV[9] ~= '') then status = '6' end
end

local state = h['r' .. recipient]
if complaint then
  -- Who never got it has not read it.
  if state:sub(1, 1) == 'f' then return 2 end
  if h['c' .. recipient] or origin ~= '' and h['v' .. recipient] then
    return 1
  end
  redis.call('HSET', key, (origin == '' and 'c' or 'v') .. recipient, '1')
  redis.call('EXPIRE', key, ARGV[13])
else
  if state:sub(2, 2) == 'E' or origin ~= '' and h['u' .. recipient] then
    return 1
  end
  if origin == '' then
    redis.call('HSET', key, 'r' .. recipient,
      state:sub(1, 1) .. 'E' .. state:sub(3))
  else
    redis.call('HSET', key, 'u' .. recipient, '1')
  end
end
stream_open(KEYS[2], KEYS[3], tonumber(ARGV[1]), tonumber(ARGV[16]))
local tenant = h.t or 'default'
append({t = ARGV[6], n = tenant, r = recipient, q = ARGV[5], m = h.i,
  s = status, c = ARGV[15] ~= '0' and ARGV[15] or '', w = ARGV[4],
  x = ARGV[11], y = ARGV[12], o = origin})
count_event(ARGV[2], tenant, ARGV[3], ARGV[6], status, recipient)
events_close(ARGV[2])
return 0
