-- SPDX-License-Identifier: BSD-2-Clause
-- Ask something of a host's scheduler.
-- KEYS  1 ask
-- ARGV  1 verb  2 queue id  3 actor  4 asks at most  5 TTL, s
-- Returns 1, or 0: too many wait.
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('RPUSH', KEYS[1], table.concat({ARGV[1], ARGV[2], ARGV[3]}, ' '))
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
