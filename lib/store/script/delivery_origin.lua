-- SPDX-License-Identifier: BSD-2-Clause
-- Who deletes a queued message, for the events of its removal.
-- KEYS  1 message
-- ARGV  1 origin
-- Returns 1, or 0: no such message.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'o', ARGV[1])
return 1
