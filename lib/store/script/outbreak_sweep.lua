-- SPDX-License-Identifier: BSD-2-Clause
-- Outbreaks that are over: end them, and hand those to a host whose end is to
-- be told.
-- KEYS  1 outbreaks of the tenant
-- ARGV  1 now, ms  2 host  3 how long a host may take to tell, ms  4 how long
--       one that is over can be looked at, ms
-- Returns {how many go on, {those to be told}}.
--@ outbreak.inc.lua
local now, host = tonumber(ARGV[1]), ARGV[2]
local going, over = 0, {}
local all = redis.call('HGETALL', KEYS[1])

for i = 1, #all, 2 do
  local o = outbreak_parse(all[i + 1])
  if o.ended == 0 and now > o.till then
    o.ended, o.by = o.till, 'time'
    outbreak_forget(o, now)
    outbreak_put(o)
  end
  if o.ended == 0 then
    going = going + 1
  elseif o.told == 1 then
    if now - o.ended > tonumber(ARGV[4]) then
      redis.call('HDEL', KEYS[1], all[i])
    end
  elseif o.claimed == 0 or o.host == host or
      now - o.claimed > tonumber(ARGV[3]) then
    if o.claimed == 0 or o.host ~= host then
      o.claimed, o.host = now, host
      outbreak_put(o)
    end
    over[#over + 1] = outbreak_format(o)
  end
end
return {going, over}
