-- SPDX-License-Identifier: BSD-2-Clause
-- A page of a tenant's refused messages, newest first.
-- KEYS  1 index
-- ARGV  1 what stands before the id in the key of a record
--       2 from ("+", or "(ID")  3 limit, then the fields asked for
-- Returns {next id or "", {id, {values}}, ...}.
local ids = redis.call('ZREVRANGEBYLEX', KEYS[1], ARGV[2], '-', 'LIMIT', 0,
  ARGV[3])
local page = {#ids == tonumber(ARGV[3]) and ids[#ids] or ''}
for _, id in ipairs(ids) do
  local values = redis.call('HMGET', ARGV[1] .. id, unpack(ARGV, 4))
  if values[1] then page[#page + 1] = {id, values} end
end
return page
