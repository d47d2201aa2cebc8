-- SPDX-License-Identifier: BSD-2-Clause
-- pace_take: one attempt: what its reply means for the pace, and the slot
-- that it, or the next message, takes.
-- KEYS[1]  the filter's state
-- ARGV  1 temper: n c w s  2 takes a slot  3 interval set, us  4 fixed
--       5 largest interval  6 suspend for  7 age of the leave, or ''
--       8 recovery time  9 longest wait  10 reply  11 channel  12 filter
-- Returns wait, interval, interval before, suspension left, change, owed.
--@ pace.inc.lua
local WINDOW = 10000000
local temper, used, set = ARGV[1], ARGV[2] == '1', num(ARGV[3])
local fixed, most = ARGV[4] == '1', num(ARGV[5])
local recovery, longest = num(ARGV[8]), num(ARGV[9])
local h = read()
local new = {}

local function put(field, n)
  h[field] = text(n)
  new[#new + 1] = field
  new[#new + 1] = h[field]
end

local function changed(how)
  put('a', now)
  new[#new + 1] = 'h'
  new[#new + 1] = how
  new[#new + 1] = 'r'
  new[#new + 1] = ARGV[10]
end

-- Another interval was set, or the filter is new.
if num(h.c) ~= set or not h.c then
  put('c', set)
  put('i', set)
  put('b', 0)
  put('t', 0)
end
if most < set then most = set end
local before = num(h.i)
local interval = before
if fixed then interval = set end

local function count()
  local minute = math.floor(now / 60000000)
  put('n', num(h.n) + 1)
  if num(h.m) ~= minute then
    put('p', num(h.m) == minute - 1 and num(h.q) or 0)
    put('m', minute)
    put('q', 0)
  end
  put('q', num(h.q) + 1)
  if set > 0 then return end
  local window = math.floor(now / WINDOW)
  if num(h.w) ~= window then
    put('x', num(h.w) == window - 1 and num(h.v) or 0)
    put('w', window)
    put('f', now)
    put('v', 0)
  end
  put('v', num(h.v) + 1)
end

-- us for each message of late, where no interval is set.
local function measured()
  local into = now - num(h.w) * WINDOW
  local n, over = num(h.v), now - num(h.f)
  if num(h.x) > 0 then
    n, over = n + num(h.x) * (1 - into / WINDOW), WINDOW
  end
  if over < 1000000 then over = 1000000 end
  if n < 1 then n = 1 end
  return math.floor(over / n)
end

if used then count() end
local change = 0
if (temper == 'w' or temper == 's') and not fixed then
  if now - num(h.l) >= recovery / 4 then
    if interval == 0 then
      put('b', measured())
      interval = num(h.b)
    end
    interval = interval * 2
    if interval > most then interval = most end
    put('l', now)
    if interval > before then change = 1 end
  end
  put('s', now)
  if temper == 's' and now + num(ARGV[6]) > num(h.u) + 1000000 then
    put('u', now + num(ARGV[6]))
    change = 2
  end
  if change > 0 then changed(change == 1 and 'slow' or 'suspend') end
elseif temper == 'c' and interval > set
    and now - math.max(num(h.l), num(h.s)) >= recovery then
  -- A tenth of the rate that was set, or measured, is added.
  local of = set > 0 and set or math.max(num(h.b), 1)
  local least = set > 0 and set or of / 4
  interval = math.floor(1 / (1 / interval + 0.1 / of))
  change = 3
  if interval <= least * 1.001 then
    interval, change = set, 4
    put('b', 0)
  end
  put('s', now)
  changed(change == 3 and 'faster' or 'normal')
end
if interval ~= before then put('i', interval) end

local wait, owed = 0, 0
local slot, suspended = num(h.t), num(h.u) - now
if suspended < 0 then suspended = 0 end
if used and (interval > 0 or suspended > 0) then
  if slot <= now then
    slot = now
    put('z', now)
  elseif ARGV[7] == '' or now - num(ARGV[7]) < num(h.z) then
    slot, owed = slot + interval, 1
  end
  if slot < now + suspended then slot = now + suspended end
  if slot > now + suspended + longest then
    slot = now + suspended + longest
  end
  wait = slot - now
  if wait > longest then wait = longest end
  put('t', slot + interval)
end
if #new > 0 then
  call('HSET', KEYS[1], unpack(new))
  call('PEXPIRE', KEYS[1], TTL)
end
if change > 0 then tell(ARGV[11], ARGV[12], h) end
return {wait, interval, before, suspended, change, owed}
