-- SPDX-License-Identifier: BSD-2-Clause
-- Addresses of one shard in their order, with their records.
-- KEYS  1 blocks (hash)  2 their index (sorted set)
-- ARGV  1 where to begin, as ZRANGEBYLEX takes it  2 how many
-- Returns address, record, address, record, ...
local list = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], '+', 'LIMIT', 0,
  ARGV[2])
if #list == 0 then return {} end
local records = redis.call('HMGET', KEYS[1], unpack(list))
local out = {}
for i, address in ipairs(list) do
  out[#out + 1] = address
  out[#out + 1] = records[i] or ''
end
return out
