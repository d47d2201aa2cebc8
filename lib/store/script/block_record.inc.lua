-- SPDX-License-Identifier: BSD-2-Clause
-- The block record of proto/block.h as a table, and back.
local NAMES = {'state', 'status', 'count', 'first', 'last', 'since',
  'expires', 'origin', 'ref', 'event_id', 'queue_id', 'reason', 'note',
  'counts'}
local NUMBERS = {status = true, count = true, first = true, last = true,
  since = true, expires = true}

local function record_parse(text)
  local record, i = {}, 1
  for value in (text .. '\t'):gmatch('([^\t]*)\t') do
    local name = NAMES[i]
    if name == nil then break end
    record[name] = NUMBERS[name] and (tonumber(value) or 0) or value
    i = i + 1
  end
  for j = i, #NAMES do
    record[NAMES[j]] = NUMBERS[NAMES[j]] and 0 or ''
  end
  return record
end

local function record_format(record)
  local out = {}
  for i, name in ipairs(NAMES) do
    local value = record[name]
    if NUMBERS[name] then value = string.format('%.0f', value or 0) end
    out[i] = value or ''
  end
  return table.concat(out, '\t')
end

-- Short reference for people: 40 bits of a hash in base32.
local function reference(text)
  local alphabet, hex, out = 'abcdefghijklmnopqrstuvwxyz234567',
    redis.sha1hex(text), {}
  for i = 0, 1 do
    local n = tonumber(hex:sub(i * 5 + 1, i * 5 + 5), 16)
    for j = 1, 4 do
      local d = n % 32
      out[i * 4 + j] = alphabet:sub(d + 1, d + 1)
      n = (n - d) / 32
    end
  end
  return table.concat(out)
end
