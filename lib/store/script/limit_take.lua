-- SPDX-License-Identifier: BSD-2-Clause
-- limit_take: book with all rates of one rule and value, or with none (GCRA).
-- KEYS[1]   theoretical arrival times in us, one a rate, blanks between
-- ARGV[1]   cost; negative: give so much back
-- ARGV[2n]  us that one message takes; ARGV[2n+1]: us that may be used ahead
-- Returns 0 (booked), or the us until it would be allowed.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost = tonumber(ARGV[1])
local old = redis.call('GET', KEYS[1])
local nexttat = old and string.gmatch(old, '%d+')
local tats, wait, last = {}, 0, now

for i = 2, #ARGV, 2 do
	local interval, ahead = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
	local tat = nexttat and tonumber(nexttat() or 0) or 0
	-- A time that this rate can not have made is of another revision.
	tat = math.min(math.max(tat, now), now + ahead)
	tat = math.max(tat + cost * interval, now)
	wait = math.max(wait, tat - now - ahead)
	last = math.max(last, tat)
	tats[#tats + 1] = string.format('%.0f', tat)
end
if wait > 0 and cost > 0 then
	return wait
end
if last > now then
	redis.call('SET', KEYS[1], table.concat(tats, ' '),
	    'PX', math.ceil((last - now) / 1000))
elseif old then
	redis.call('DEL', KEYS[1])
end
return 0
