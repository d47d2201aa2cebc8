-- SPDX-License-Identifier: BSD-2-Clause
-- Another time for a held message.
-- KEYS  1 due  2 ready  3 of  4 count
-- ARGV  1 queue id  2 score in due (0: none)  3 highest priority  4 rank
-- Returns 1, or 0: it is not listed.
--@ hold_put.inc.lua
--@ hold_rank.inc.lua
local record = redis.call('HGET', KEYS[3], ARGV[1])
if not record then return 0 end
if ARGV[2] == 'inf' then record = 'h' .. record:sub(2) end
hold_put(1, ARGV[1], record, ARGV[2], hold_rank(record, ARGV[3], ARGV[4]))
return 1
