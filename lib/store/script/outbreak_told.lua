-- SPDX-License-Identifier: BSD-2-Clause
-- The end of an outbreak is told.
-- KEYS  1 outbreaks of the tenant
-- ARGV  1 provider  2 shape  3 id
--@ outbreak.inc.lua
local o = outbreak_get(ARGV[1], ARGV[2])
if not o or o.id ~= ARGV[3] then return 0 end
o.told = 1
outbreak_put(o)
return 1
