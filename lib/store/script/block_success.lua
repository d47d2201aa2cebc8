-- SPDX-License-Identifier: BSD-2-Clause
-- Mail was delivered: what its errors of some statuses had led to is over, for
-- all mail and for each stream.
-- KEYS  1 entries  2 counting  3 evidence  (of the address)
-- ARGV  1 address  2 when, s  3 event id  4 statuses that a success ends, with
--       a comma before and behind each
-- Returns 1 unblocked (also when the call is repeated), 0 not, 2 not, and none
-- of these statuses is counted any more.
--@ block_record.inc.lua
--@ block_ids.inc.lua
local address, at, event_id = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local mark = short_id('lift ' .. event_id)
local function lifts(status)
  return ARGV[4]:find(',' .. status .. ',', 1, true) ~= nil
end

local function end_block(field, r, ids)
  if r.origin ~= 'bounce' or not lifts(string.format('%d', r.status)) or
      at < r.since then
    return 0
  end
  local expired = r.expires ~= 0 and at >= r.expires
  local c = record_new()
  -- One that had expired is no news, and leaves no mark.
  if not expired then ids_add(ids, mark) end
  c.counts = ids_text(ids)
  record_save(field, c)
  return expired and 2 or 1
end

local function end_counts(field, r, ids)
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
    record_save(field, r)
  end
  return left and 0 or 2
end

local result = 2
for _, field in ipairs(record_fields(address)) do
  local r, one = record_load(field), 2
  local ids = ids_of(r.counts)
  if r.state == 'b' then
    one = end_block(field, r, ids)
  elseif r.state == 'c' then
    one = end_counts(field, r, ids)
  end
  if one == 1 or one == 0 and result == 2 then result = one end
end
return result
