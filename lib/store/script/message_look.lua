-- SPDX-License-Identifier: BSD-2-Clause
-- What is known of a message.
-- KEYS  1 message
-- Returns 0: nothing, 1: it is known, 2: and was tried for some recipient.
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if all[i]:sub(1, 1) == 'r' and (all[i + 1]:find('^[sf]') or
      all[i + 1]:find('^q.\t')) then
    return 2
  end
end
return #all > 0 and 1 or 0
