-- SPDX-License-Identifier: BSD-2-Clause
-- limit_take: book with all rates of one rule and value, or with none (GCRA).
-- KEYS[1]   theoretical arrival times in us, one a rate, blanks between
-- ARGV[1]   cost; negative: give so much back
-- ARGV[2n]  us that one message takes; ARGV[2n+1]: us that may be used ahead
-- Returns 0 (booked), or the us until it would be allowed.
-- This runs for every recipient: one rate goes without patterns and formats.
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local old, cost = call('GET', KEYS[1]), ARGV[1] + 0
local several = #ARGV > 3
local each = old and (several or not tonumber(old))
    and string.gmatch(old, '%d+')
local new, wait, most = nil, 0, 0

for i = 2, #ARGV, 2 do
	local interval, ahead = ARGV[i] + 0, ARGV[i + 1] + 0
	local used = (each and each() or not each and old or now) - now
	-- A time that this rate can not have made is of another revision.
	if used < 0 then used = 0 elseif used > ahead then used = ahead end
	used = used + cost * interval
	if used < 0 then used = 0 end
	if used > most then most = used end
	if used - ahead > wait then wait = used - ahead end
	if several then
		new = (new and new .. ' ' or '') .. string.format('%.0f', now + used)
	else
		new = now + used
	end
end
if wait > 0 and cost > 0 then
	return wait
end
if most > 0 then
	call('SET', KEYS[1], new, 'PX', math.ceil(most / 1000))
elseif old then
	call('DEL', KEYS[1])
end
return 0
