-- SPDX-License-Identifier: BSD-2-Clause
-- Forget a message that was refused.
-- KEYS  1 record  2 index of the tenant's records  3 room taken by contents
-- ARGV  1 id
-- Returns 1, or 0: there is none.
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
return redis.call('UNLINK', KEYS[1])
