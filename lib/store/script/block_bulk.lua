-- SPDX-License-Identifier: BSD-2-Clause
-- Block or exempt many addresses of one shard: an import.
-- KEYS  1 what stands before the number of a piece of entries  2 of counting
--       3 evidence
-- ARGV  1 now, s; then of each: piece, field, entry, evidence or ''
-- Returns a letter for each: n, it came into this state; k, it was in it
-- before, and is left as it was; e, it is exempt, and stays so.
--@ block_record.inc.lua
local now, out = tonumber(ARGV[1]), {}

local function put(piece, field, entry, evidence)
  local key = KEYS[1] .. piece
  local old = entry_parse(redis.call('HGET', key, field))
  if old and (old.expires == 0 or now < old.expires) then
    if old.state == entry:sub(1, 1) then return 'k' end
    if old.state == 'e' then return 'e' end
  end
  redis.call('HSET', key, field, entry)
  redis.call('HDEL', KEYS[2] .. piece, field)
  if evidence ~= '' then
    redis.call('HSET', KEYS[3], field, evidence)
  elseif old then
    redis.call('HDEL', KEYS[3], field)
  end
  return 'n'
end

for i = 2, #ARGV, 4 do
  out[#out + 1] = put(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
end
return table.concat(out)
