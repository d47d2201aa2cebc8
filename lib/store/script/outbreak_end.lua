-- SPDX-License-Identifier: BSD-2-Clause
-- End an outbreak by hand: its answer counts again.
-- KEYS  1 outbreaks of the tenant
-- ARGV  1 id  2 now, ms  3 by whom
-- Returns 1; 0: there is none with that id that goes on.
--@ outbreak.inc.lua
local all, now = redis.call('HGETALL', KEYS[1]), tonumber(ARGV[2])
for i = 1, #all, 2 do
  local o = outbreak_parse(all[i + 1])
  if o.id == ARGV[1] and o.ended == 0 then
    -- A log may know whole seconds only: what comes in this one counts.
    o.ended, o.by = math.floor(now / 1000) * 1000 - 1, ARGV[3]
    outbreak_forget(o, now)
    outbreak_put(o)
    return 1
  end
end
return 0
