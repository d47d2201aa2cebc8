-- SPDX-License-Identifier: BSD-2-Clause
-- pace_act: what a person does to a filter's pace.
-- KEYS[1]  the filter's state
-- ARGV  1 reset, suspend, resume  2 us of suspend  3 who  4 channel  5 filter
--@ pace.inc.lua
local h = read()

if ARGV[1] == 'reset' then
  call('DEL', KEYS[1])
  h = {}
elseif ARGV[1] == 'suspend' then
  h.u = text(now + num(ARGV[2]))
  call('HSET', KEYS[1], 'u', h.u)
else
  -- Slots that were booked behind the suspension are free again.
  h.u = '0'
  call('HSET', KEYS[1], 'u', '0', 't', '0')
end
call('HSET', KEYS[1], 'a', text(now), 'h', ARGV[1], 'r', ARGV[3])
local ttl = TTL
if num(h.u) > now then
  ttl = ttl + math.ceil((num(h.u) - now) / 1000)
end
call('PEXPIRE', KEYS[1], ttl)
tell(ARGV[4], ARGV[5], h)
return 1
