-- SPDX-License-Identifier: BSD-2-Clause
-- limit_set: what people do to one value of a rate limit.
-- KEYS[1]  as in limit_take; an override stands before the times:
--          "O UNTIL INTERVAL AHEAD QUANTITY BURST PERIOD|", all in us but
--          quantity and burst; interval 0: no limit
-- ARGV[1]  "reset": nothing is used; "clear": no override;
--          "set", with ARGV[2] until, ARGV[3] what stands behind it in the
--          head, without the bar
-- Returns 1 if that changed anything, else 0.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local old = redis.call('GET', KEYS[1]) or ''
local head, times = string.match(old, '^(O [^|]*|)(.*)$')
local most = 0

times = times or old
if head and string.match(head, '^O (%d+)') + 0 <= now then head = nil end
if ARGV[1] == 'reset' then
  if times == '' then return 0 end
  times = ''
elseif ARGV[1] == 'clear' then
  if not head then return 0 end
  head = nil
else
  head = 'O ' .. ARGV[2] .. ' ' .. ARGV[3] .. '|'
end
for at in string.gmatch(times, '%d+') do
  if at - now > most then most = at - now end
end
if head then most = math.max(most, string.match(head, '^O (%d+)') - now) end
if most > 0 then
  redis.call('SET', KEYS[1], (head or '') .. times, 'PX',
    math.ceil(most / 1000))
else
  redis.call('DEL', KEYS[1])
end
return 1
