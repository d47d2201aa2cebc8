-- SPDX-License-Identifier: BSD-2-Clause
-- The record of one address (proto/block.h) as a table: read from its three
-- hashes, and written.
-- KEYS  1 entries  2 counting  3 evidence
local ORIGINS = {api = 'a', bounce = 'b', cli = 'c', import = 'i',
  complaint = 'm', unsubscribe = 'u'}
local WORDS = {}
for word, letter in pairs(ORIGINS) do WORDS[letter] = word end

local function record_new()
  return {state = 'c', status = 0, count = 0, first = 0, last = 0, since = 0,
    expires = 0, origin = '', event_id = '', queue_id = '', reason = '',
    note = '', counts = ''}
end

-- The entry alone; nil: there is none.
local function entry_parse(text)
  if not text then return nil end
  local state, letter, status, since, expires =
    text:match('^([be])(.)(%d+)%.(%x+)%.?(%x*)$')
  if not state then return nil end
  local r = record_new()
  r.state, r.status, r.origin = state, tonumber(status), WORDS[letter] or ''
  r.since, r.expires = tonumber(since, 16), tonumber(expires, 16) or 0
  return r
end

local function entry_format(r)
  local text = string.format('%s%s%d.%x', r.state, ORIGINS[r.origin] or '-',
    r.status, r.since)
  if r.expires > 0 then text = text .. string.format('.%x', r.expires) end
  return text
end

local function evidence_parse(text, r)
  local count, first, last, event_id, queue_id, reason, note, counts =
    text:match('^(%d*)\t(%d*)\t(%d*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t' ..
      '([^\t]*)\t(.*)$')
  if not count then return end
  r.count, r.first = tonumber(count) or 0, tonumber(first) or 0
  r.last, r.event_id, r.queue_id = tonumber(last) or 0, event_id, queue_id
  r.reason, r.note, r.counts = reason, note, counts
end

-- '' where nothing is known.
local function evidence_format(r)
  local out = {r.count, r.first, r.last, r.event_id, r.queue_id, r.reason,
    r.note, r.counts}
  for i = 1, 3 do
    out[i] = out[i] > 0 and string.format('%.0f', out[i]) or ''
  end
  local text = table.concat(out, '\t')
  return #text > 7 and text or ''
end

local function counting_parse(text)
  local r = record_new()
  local status, count, first, counts =
    (text or ''):match('^(%d*)%.(%d*)%.(%x+) (.*)$')
  if not status then return r end
  r.status, r.count = tonumber(status) or 0, tonumber(count) or 0
  r.first, r.counts = tonumber(first, 16), counts
  r.since = r.first
  for when in counts:gmatch('@(%d+)') do
    r.last = math.max(r.last, tonumber(when))
  end
  return r
end

-- Never nil: of an address that nothing is known of, a new one.
local function record_load(field)
  local r = entry_parse(redis.call('HGET', KEYS[1], field))
  if not r then return counting_parse(redis.call('HGET', KEYS[2], field)) end
  local evidence = redis.call('HGET', KEYS[3], field)
  if evidence then evidence_parse(evidence, r) end
  return r
end

local function record_save(field, r)
  if r.state == 'c' then
    redis.call('HDEL', KEYS[1], field)
    redis.call('HDEL', KEYS[3], field)
    if r.counts == '' or r.counts == ';' then
      redis.call('HDEL', KEYS[2], field)
    else
      redis.call('HSET', KEYS[2], field, string.format('%d.%.0f.%x %s',
        r.status, r.count, r.first, r.counts))
    end
    return
  end
  local evidence = evidence_format(r)
  redis.call('HDEL', KEYS[2], field)
  redis.call('HSET', KEYS[1], field, entry_format(r))
  if evidence == '' then
    redis.call('HDEL', KEYS[3], field)
  else
    redis.call('HSET', KEYS[3], field, evidence)
  end
end

-- What stands for the address in the hashes: all mail, and each stream.
local function record_fields(address)
  local list, seen, prefix = {}, {}, address .. '\t'
  for k = 1, 2 do
    for _, field in ipairs(redis.call('HKEYS', KEYS[k])) do
      if (field == address or field:sub(1, #prefix) == prefix) and
          not seen[field] then
        seen[field] = true
        list[#list + 1] = field
      end
    end
  end
  return list
end
