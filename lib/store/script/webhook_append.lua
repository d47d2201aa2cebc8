-- SPDX-License-Identifier: BSD-2-Clause
-- webhook_append: events into the pending lists, and the position behind them.
-- KEYS: state, pos, batch, meta, due, dead, deadmeta, then the pending list of
--   each kind.
-- ARGV: host, expected position, next position, now (ms), most events that
--   may wait, TTL (s), then kind and event in turn.
-- Returns 1, or 0 and the position (not at expected), or -1 and it (full).
local state, pos = KEYS[1], KEYS[2]
local current = redis.call('HGET', pos, ARGV[1]) or ''
if current ~= ARGV[2] then
  return { 0, current }
end
local count = (#ARGV - 6) / 2
if count > 0 then
  local waiting = tonumber(redis.call('HGET', state, 'waiting') or '0')
  if waiting >= tonumber(ARGV[5]) then
    return { -1, current }
  end
  for i = 7, #ARGV, 2 do
    redis.call('RPUSH', KEYS[8 + tonumber(ARGV[i])],
      ARGV[4] .. ' ' .. ARGV[i + 1])
  end
  redis.call('HINCRBY', state, 'waiting', count)
end
redis.call('HSET', pos, ARGV[1], ARGV[3])
for _, key in ipairs(KEYS) do
  redis.call('EXPIRE', key, ARGV[6])
end
return { 1, ARGV[3] }
