-- SPDX-License-Identifier: BSD-2-Clause
-- All of a mail is there: it is listed, and its event written, once.
-- KEYS  1 record  2 index  3 4 streams before and behind midnight
-- ARGV  1 midnight, ms  2 prefix of the counters  3 id  4 TTL, s
--       5 its time, us  6 TTL of the index, s  7 number of the record's fields
--       and values, then these, then how many days events are kept, the
--       event's minute and its 13 values
-- Returns 1: done, 2: it was done before, 0: the record is gone.
--@ append.inc.lua
local record, index = KEYS[1], KEYS[2]
local state = redis.call('HGET', record, 'c')
if not state then return 0 end
if state ~= 'c' then return 2 end
local n = tonumber(ARGV[7])
redis.call('HSET', record, 'c', 'k', unpack(ARGV, 8, 7 + n))
redis.call('EXPIRE', record, ARGV[4])
redis.call('ZADD', index, ARGV[5], ARGV[3])
redis.call('ZREMRANGEBYSCORE', index, '-inf',
  string.format('%.0f', tonumber(ARGV[5]) - tonumber(ARGV[6]) * 1000000))
redis.call('EXPIRE', index, ARGV[6])
local at = 8 + n
stream_open(KEYS[3], KEYS[4], tonumber(ARGV[1]), tonumber(ARGV[at]))
append_values(ARGV[2], at + 1)
events_close(ARGV[2])
return 1
