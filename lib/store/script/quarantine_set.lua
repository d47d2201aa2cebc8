-- SPDX-License-Identifier: BSD-2-Clause
-- Set a field of a record that is still there.
-- KEYS  1 record
-- ARGV  1 field  2 value
-- Returns 1, or 0: it is gone.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
