-- SPDX-License-Identifier: BSD-2-Clause
-- webhook_finish: how the sending of a batch ended.
-- KEYS: state, batch, meta, due, dead, deadbatch, deadmeta.
-- ARGV: id, end (delivered, retry, dead, disable), due (ms), text, revision,
--   now (ms), dead letters kept, for how long (ms), TTL (s).
-- Returns 1; 0 when the batch is gone (another sender was faster).
local state, batch, meta, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local dead, deadbatch, deadmeta = KEYS[5], KEYS[6], KEYS[7]
local id, how, now = ARGV[1], ARGV[2], tonumber(ARGV[6])
local m = redis.call('HGET', meta, id)
if not m then
  return 0
end
local kind, attempts, made, count = m:match('^(%d+) (%d+) (%d+) (%d+)$')

if how == 'delivered' then
  redis.call('HSET', state, 'delivered', ARGV[6])
else
  redis.call('HSET', state, 'failed', ARGV[6], 'error', ARGV[4])
  attempts = attempts + 1
end
if how == 'disable' then
  redis.call('HSET', state, 'disabled', ARGV[4], 'disabled_rev', ARGV[5])
end
if how == 'retry' or how == 'disable' then
  redis.call('HSET', meta, id,
    table.concat({ kind, attempts, made, count }, ' '))
  redis.call('ZADD', due, ARGV[3], id)
  return 1
end

if how == 'dead' then
  -- Each has its own score, so that a score is a cursor.
  local score = now
  local last = redis.call('ZRANGE', dead, -1, -1, 'WITHSCORES')[2]
  if last and tonumber(last) >= score then
    score = tonumber(last) + 1
  end
  redis.call('ZADD', dead, string.format('%.0f', score), id)
  redis.call('HSET', deadbatch, id, redis.call('HGET', batch, id))
  redis.call('HSET', deadmeta, id,
    table.concat({ kind, attempts, made, count, ARGV[4] }, ' '))
  local old = redis.call('ZRANGEBYSCORE', dead, '-inf',
    string.format('%.0f', now - tonumber(ARGV[8])), 'LIMIT', 0, 100)
  local over = redis.call('ZCARD', dead) - #old - tonumber(ARGV[7])
  if over > 0 then
    old = redis.call('ZRANGE', dead, 0, #old + over - 1)
  end
  for _, v in ipairs(old) do
    redis.call('ZREM', dead, v)
    redis.call('HDEL', deadbatch, v)
    redis.call('HDEL', deadmeta, v)
  end
  for _, key in ipairs({ dead, deadbatch, deadmeta }) do
    redis.call('EXPIRE', key, ARGV[9])
  end
end
redis.call('HDEL', batch, id)
redis.call('HDEL', meta, id)
redis.call('ZREM', due, id)
redis.call('HINCRBY', state, 'waiting', -count)
return 1
