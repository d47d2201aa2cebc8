-- SPDX-License-Identifier: BSD-2-Clause
-- Held messages in the order of their release.
-- KEYS  1 ready  2 due  3 of
-- ARGV  1 how many; then, to begin behind one: 2 "r" ready, "d" due
--       3 its score  4 its queue id
-- Returns list, score, queue id, record, list, ...
local want, out = tonumber(ARGV[1]), {}

-- The first place behind (score, id), whether that is still there or not.
local function place(key, score, id)
  local low, high = 0, redis.call('ZCARD', key)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local at = redis.call('ZRANGE', key, middle, middle, 'WITHSCORES')
    local s = tonumber(at[2])
    if s > score or s == score and at[1] > id then
      high = middle
    else
      low = middle + 1
    end
  end
  return low
end

local function rows(key, name, from)
  local list = redis.call('ZRANGE', key, from, from + want - 1, 'WITHSCORES')
  local ids = {}
  for i = 1, #list, 2 do ids[#ids + 1] = list[i] end
  if #ids == 0 then return end
  local records = redis.call('HMGET', KEYS[3], unpack(ids))
  for i, id in ipairs(ids) do
    out[#out + 1] = name
    out[#out + 1] = list[2 * i]
    out[#out + 1] = id
    out[#out + 1] = records[i] or ''
  end
  want = want - #ids
end

local score = ARGV[3] == 'inf' and math.huge or tonumber(ARGV[3] or 0)
if ARGV[2] ~= 'd' then
  rows(KEYS[1], 'r', ARGV[2] and place(KEYS[1], score, ARGV[4]) or 0)
end
if want > 0 then
  rows(KEYS[2], 'd', ARGV[2] == 'd' and place(KEYS[2], score, ARGV[4]) or 0)
end
return out
