-- SPDX-License-Identifier: BSD-2-Clause
-- pace_show: a filter's state.
-- KEYS[1]  the filter's state
-- Returns interval, measured, suspended until or 0, changed, change, reply,
-- attempts, attempts of the minute before.
--@ pace.inc.lua
local h = read()
local minute = math.floor(now / 60000000)
local last = 0
if num(h.m) == minute then
  last = num(h.p)
elseif num(h.m) == minute - 1 then
  last = num(h.q)
end
local untl = num(h.u)
if untl <= now then untl = 0 end
return {num(h.i), num(h.b), text(untl), h.a or '0', h.h or '', h.r or '',
  num(h.n), last}
