-- SPDX-License-Identifier: BSD-2-Clause
-- Take an address off the list.
-- KEYS  1 blocks (hash)  2 their index (sorted set)
-- ARGV  1 address  2 state it must be in: b or e
-- Returns 1, or 0 when it is not there in that state.
--
-- Of a block, the messages counted are remembered: a consumer that counts the
-- same error again after a crash must not begin a new count with it.
--@ block_record.inc.lua
local text = redis.call('HGET', KEYS[1], ARGV[1])
if not text or text:sub(1, 1) ~= ARGV[2] then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
local ids = record_parse(text).counts:match(';.+')
if ARGV[2] == 'b' and ids then
  local r = record_parse('c')
  r.counts = ids
  redis.call('HSET', KEYS[1], ARGV[1], record_format(r))
else
  redis.call('HDEL', KEYS[1], ARGV[1])
end
return 1
