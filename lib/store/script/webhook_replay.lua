-- SPDX-License-Identifier: BSD-2-Clause
-- webhook_replay: dead letters go out again, with their old ids.
-- KEYS: state, batch, meta, due, dead, deadbatch, deadmeta.
-- ARGV: now (ms), id ('': the 1000 oldest), TTL (s).
-- Returns how many; -1: no such id.
local state, batch, meta, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local dead, deadbatch, deadmeta = KEYS[5], KEYS[6], KEYS[7]
local ids = { ARGV[2] }
if ARGV[2] == '' then
  ids = redis.call('ZRANGE', dead, 0, 999)
elseif not redis.call('ZSCORE', dead, ARGV[2]) then
  return -1
end
for i, id in ipairs(ids) do
  local kind, made, count = redis.call('HGET', deadmeta, id)
    :match('^(%d+) %d+ (%d+) (%d+)')
  redis.call('HSET', batch, id, redis.call('HGET', deadbatch, id))
  redis.call('HSET', meta, id,
    table.concat({ kind, 0, ARGV[1], count }, ' '))
  -- Their old times as dates due keep the old order.
  redis.call('ZADD', due, made, id)
  redis.call('ZREM', dead, id)
  redis.call('HDEL', deadbatch, id)
  redis.call('HDEL', deadmeta, id)
  redis.call('HINCRBY', state, 'waiting', count)
end
for _, key in ipairs({ state, batch, meta, due }) do
  redis.call('EXPIRE', key, ARGV[3])
end
return #ids
