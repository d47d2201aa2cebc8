-- SPDX-License-Identifier: BSD-2-Clause
-- Count one error of an address, and block it when there were enough.
-- KEYS  1 entries  2 counting  3 evidence
-- ARGV  1 address  2 event id  3 message  4 queue id  5 reason  6 status
--       7 when, s  8 observe 0/1  9 threshold  10 once a day 0/1
--       11 forget, s  12 watch, s  13 origin  14 stream, '' for all mail
-- Returns 0 counted, 1 registered, 2 already, 3 exempt, 4 would.
--
-- The field "counts" is "STATUS=COUNT@LAST,...;ID ID ...": for each status how
-- many and when last, then short hashes of the last messages counted.
--@ block_record.inc.lua
--@ block_ids.inc.lua
local address, event_id = ARGV[1], ARGV[2]
local status, at = tonumber(ARGV[6]), tonumber(ARGV[7])
local observe, threshold = ARGV[8] == '1', tonumber(ARGV[9])
local once_a_day, forget = ARGV[10] == '1', tonumber(ARGV[11])
local watch = tonumber(ARGV[12])

local field = ARGV[14] == '' and address or address .. '\t' .. ARGV[14]
local function stands(entry)
  return entry.expires == 0 or at < entry.expires
end

-- What holds for all mail holds for its streams.
if field ~= address then
  local all = entry_parse(redis.call('HGET', KEYS[1], address))
  if all and stands(all) then return all.state == 'e' and 3 or 2 end
end
local r = record_load(field)

if r.state == 'e' and stands(r) then return 3 end
if r.state == 'b' and r.event_id == event_id then return 1 end
if r.state ~= 'c' then
  if stands(r) then return 2 end
  local ids = r.counts:match(';.*') or ''
  r = record_new()
  r.counts = ids
end

local id = short_id(ARGV[3] ~= '' and ARGV[3] or event_id)
local ids, counts = ids_of(r.counts), {}
if ids_have(ids, id) then return 2 end
ids_add(ids, id)

local count, last = 0, nil
for s, n, when in r.counts:gmatch('(%d+)=(%d+)@(%d+)') do
  if tonumber(s) == status then
    count, last = tonumber(n), tonumber(when)
  else
    counts[#counts + 1] = s .. '=' .. n .. '@' .. when
  end
end
if last ~= nil and forget > 0 and at - last >= forget then
  count, last = 0, nil
end
local result = 0
if once_a_day and last ~= nil and
    math.floor(at / 86400) == math.floor(last / 86400) then
  result = 2
else
  count = count + 1
end
if last == nil or at > last then last = at end
counts[#counts + 1] = string.format('%d=%d@%.0f', status, count, last)

if r.first == 0 or count == 1 and #counts == 1 then r.first = at end
r.status, r.count, r.last = status, count, math.max(r.last, at)
if r.since == 0 then r.since = at end
r.queue_id, r.reason = ARGV[4], ARGV[5]
r.counts = table.concat(counts, ',') .. ids_text(ids)
if result == 0 and count >= threshold then
  result = observe and 4 or 1
end
if result == 1 then
  r.state, r.since, r.origin, r.event_id = 'b', at, ARGV[13], event_id
  r.expires = watch > 0 and at + watch or 0
end
record_save(field, r)
return result
