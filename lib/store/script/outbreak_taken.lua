-- SPDX-License-Identifier: BSD-2-Clause
-- What an outbreak had blocked is released, and that is told.
-- KEYS  1 outbreaks of the tenant
-- ARGV  1 provider  2 shape  3 id  4 how many
--@ outbreak.inc.lua
redis.call('DEL', blocked_key(ARGV[1], ARGV[2]))
local o = outbreak_get(ARGV[1], ARGV[2])
if not o or o.id ~= ARGV[3] then return 0 end
o.released = o.released + tonumber(ARGV[4])
outbreak_put(o)
return 1
