-- SPDX-License-Identifier: BSD-2-Clause
-- A webhook has taken a mail, or somebody deletes it: when nobody waits for it
-- any more, only that it was there is kept, so that it does not come twice.
-- KEYS  1 record  2 index  3 room taken by contents
-- ARGV  1 id  2 name of the webhook; empty: delete it  3 TTL of the rest, s
-- Returns 1, or 0: there is none.
local record = KEYS[1]
local v = redis.call('HMGET', record, 'c', 'e', 'd', 'z')
if v[1] ~= 'k' then return 0 end
if ARGV[2] ~= '' then
  local left, mine = {}, false
  for name in (v[2] or ''):gmatch('[^\n]+') do
    if name == ARGV[2] then mine = true else left[#left + 1] = name end
  end
  if not mine then return 1 end
  if #left > 0 then
    redis.call('HSET', record, 'e', table.concat(left, '\n'))
    return 1
  end
end
redis.call('DEL', record)
redis.call('HSET', record, 'c', 't')
redis.call('EXPIRE', record, ARGV[3])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HINCRBY', KEYS[3], v[3], '-' .. v[4])
return 1
