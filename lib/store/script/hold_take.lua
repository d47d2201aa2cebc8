-- SPDX-License-Identifier: BSD-2-Clause
-- One tick: what is due becomes ready; the front of what is ready comes back.
-- KEYS  1 due  2 ready  3 of  4 count
-- ARGV  1 now, ms  2 ids at most  3 moved at most  4 highest priority  5 rank
-- Returns next time something becomes due, ms (0: never), then id and score
-- of each.
--@ hold_rank.inc.lua
local moved = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0,
  ARGV[3])
for i = 1, #moved, 500 do
  local last = math.min(i + 499, #moved)
  local records = redis.call('HMGET', KEYS[3], unpack(moved, i, last))
  local add = {}
  for k = i, last do
    add[#add + 1] = hold_rank(records[k - i + 1], ARGV[4], ARGV[5])
    add[#add + 1] = moved[k]
  end
  redis.call('ZADD', KEYS[2], unpack(add))
  redis.call('ZREM', KEYS[1], unpack(moved, i, last))
end
local next_due = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
if not next_due or next_due == 'inf' then next_due = '0' end
local out = {next_due}
if next_due ~= '0' and tonumber(next_due) <= tonumber(ARGV[1]) then
  return out
end
if tonumber(ARGV[2]) > 0 then
  local list = redis.call('ZRANGE', KEYS[2], 0, ARGV[2] - 1, 'WITHSCORES')
  for i, text in ipairs(list) do out[i + 1] = text end
end
return out
