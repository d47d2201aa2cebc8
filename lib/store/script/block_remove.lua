-- SPDX-License-Identifier: BSD-2-Clause
-- Take an address off the list.
-- KEYS  1 entries  2 counting  3 evidence
-- ARGV  1 field  2 state it must be in: b or e
-- Returns {entry, evidence} as they were, or {} when it is not there in that
-- state.
--
-- Of a block, the messages counted are remembered: a consumer that counts the
-- same error again after a crash must not begin a new count with it.
--@ block_record.inc.lua
local field = ARGV[1]
local text = redis.call('HGET', KEYS[1], field)
if not text or text:sub(1, 1) ~= ARGV[2] then return {} end
local old = record_load(field)
local gone = {text, redis.call('HGET', KEYS[3], field) or ''}
local r = record_new()
r.counts = old.counts:match(';.+') or ''
record_save(field, r)
return gone
