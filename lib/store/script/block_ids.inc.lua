-- SPDX-License-Identifier: BSD-2-Clause
-- Short hashes of the last messages counted, and of lifts, in the record: none
-- of them is done twice.
local IDS_MAX = 8

local function short_id(text) return redis.sha1hex(text):sub(1, 8) end

local function ids_of(counts)
  local ids = {}
  for id in (counts:match(';(.*)') or ''):gmatch('%S+') do
    ids[#ids + 1] = id
  end
  return ids
end

local function ids_have(ids, id)
  for i = 1, #ids do
    if ids[i] == id then return true end
  end
  return false
end

local function ids_add(ids, id)
  ids[#ids + 1] = id
  while #ids > IDS_MAX do table.remove(ids, 1) end
end

local function ids_text(ids) return ';' .. table.concat(ids, ' ') end
