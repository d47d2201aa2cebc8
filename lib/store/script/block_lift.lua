-- SPDX-License-Identifier: BSD-2-Clause
-- Take back the block that one error made.
-- KEYS  1 blocks (hash)  2 their index (sorted set)
-- ARGV  1 address  2 event id
-- Returns 1, also when the call is repeated; 0: that error blocks it not.
--
-- The messages counted are remembered, as in block_remove.lua, and the lift
-- itself with them.
--@ block_record.inc.lua
--@ block_ids.inc.lua
local address, event_id = ARGV[1], ARGV[2]
local text = redis.call('HGET', KEYS[1], address)
if not text then return 0 end
local r = record_parse(text)
local mark, ids = short_id('lift ' .. event_id), ids_of(r.counts)
if r.state == 'c' and ids_have(ids, mark) then return 1 end
if r.state ~= 'b' or r.event_id ~= event_id then return 0 end
redis.call('ZREM', KEYS[2], address)
local c = record_parse('c')
ids_add(ids, mark)
c.counts = ids_text(ids)
redis.call('HSET', KEYS[1], address, record_format(c))
return 1
