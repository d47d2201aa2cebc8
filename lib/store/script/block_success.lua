-- SPDX-License-Identifier: BSD-2-Clause
-- Mail was delivered: what its errors of some statuses had led to is over.
-- KEYS  1 blocks (hash)  2 their index (sorted set)  (of the address)
-- ARGV  1 address  2 when, s  3 event id  4 statuses that a success ends, with
--       a comma before and behind each
-- Returns 1 unblocked (also when the call is repeated), 0 not, 2 not, and none
-- of these statuses is counted any more.
--@ block_record.inc.lua
--@ block_ids.inc.lua
local address, at, event_id = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local function lifts(status)
  return ARGV[4]:find(',' .. status .. ',', 1, true) ~= nil
end
local text = redis.call('HGET', KEYS[1], address)
if not text then return 2 end
local r = record_parse(text)
local mark, ids = short_id('lift ' .. event_id), ids_of(r.counts)

if r.state == 'b' then
  if r.origin ~= 'bounce' or not lifts(string.format('%d', r.status)) or
      at < r.since then
    return 0
  end
  local expired = r.expires ~= 0 and at >= r.expires
  redis.call('ZREM', KEYS[2], address)
  local c = record_parse('c')
  -- One that had expired is no news, and leaves no mark.
  if not expired then ids_add(ids, mark) end
  c.counts = ids_text(ids)
  redis.call('HSET', KEYS[1], address, record_format(c))
  return expired and 2 or 1
end
if r.state ~= 'c' then return 2 end
if ids_have(ids, mark) then return 1 end

local counts, left, changed = {}, false, false
for s, n, when in r.counts:gmatch('(%d+)=(%d+)@(%d+)') do
  if lifts(s) and tonumber(when) <= at then
    changed = true
  else
    counts[#counts + 1] = s .. '=' .. n .. '@' .. when
    left = left or lifts(s)
  end
end
if changed then
  if lifts(string.format('%d', r.status)) and r.last <= at then
    r.status, r.count = 0, 0
  end
  r.counts = table.concat(counts, ',') .. ids_text(ids)
  redis.call('HSET', KEYS[1], address, record_format(r))
end
return left and 0 or 2
