-- SPDX-License-Identifier: BSD-2-Clause
-- limit_take: book with all rates of one rule and value, or with none (GCRA).
-- KEYS[1]   theoretical arrival times in us, one a rate, blanks between; before
--           them what limit_set has put there for a time (limit_set.lua)
-- ARGV[1]   cost; negative: give so much back
-- ARGV[2n]  us that one message takes; ARGV[2n+1]: us that may be used ahead
-- Returns 0 (booked), or the us until it would be allowed.
-- This runs for every recipient: one rate goes without patterns and formats.
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local old, cost = call('GET', KEYS[1]), ARGV[1] + 0
local rates, several = ARGV, #ARGV > 3
local head, new, wait, most = nil, nil, 0, 0
local each

if old and (several or not tonumber(old)) then
	local until_us, interval, ahead, at = string.match(old,
		'^O (%d+) (%d+) (%d+) [^|]*()|')
	if at then
		if until_us + 0 > now then
			if interval == '0' then return 0 end
			head, most = string.sub(old, 1, at), until_us - now
			rates, several = {cost, interval, ahead}, false
		end
		old = string.sub(old, at + 1)
	end
	each = string.gmatch(old, '%d+')
end
for i = 2, #rates, 2 do
	local interval, ahead = rates[i] + 0, rates[i + 1] + 0
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
if head then new = head .. string.format('%.0f', new) end
if most > 0 then
	call('SET', KEYS[1], new, 'PX', math.ceil(most / 1000))
elseif old then
	call('DEL', KEYS[1])
end
return 0
