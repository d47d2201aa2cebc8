-- SPDX-License-Identifier: BSD-2-Clause
-- Count failed logins, and lock.
-- KEYS  1 of one user from one client  2 of all users from that client
-- ARGV  1 what: look, fail, clear  2 failures that lock KEYS[1]
--       3 failures that lock KEYS[2]  4 period, ms: counting, and the lock
-- Returns both counts, as they are now.
local counts = {}
for i = 1, 2 do
  local n
  if ARGV[1] == 'fail' then
    n = redis.call('INCR', KEYS[i])
    -- The lock lasts its whole period; what comes then does not prolong it.
    if n == 1 or n == tonumber(ARGV[1 + i]) then
      redis.call('PEXPIRE', KEYS[i], ARGV[4])
    end
  else
    n = redis.call('GET', KEYS[i])
  end
  counts[i] = tonumber(n or 0)
end
if ARGV[1] == 'clear' and counts[1] > 0 then
  redis.call('DEL', KEYS[1])
end
return counts
