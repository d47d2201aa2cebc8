-- SPDX-License-Identifier: BSD-2-Clause
-- webhook_open: what is kept of an endpoint; made when it is new.
-- KEYS: state, pos.  ARGV: now (ms), revision of the settings, TTL (s).
-- Returns created, why it is disabled, then host and position in turn.
local state, pos = KEYS[1], KEYS[2]
redis.call('HSETNX', state, 'created', ARGV[1])
redis.call('EXPIRE', state, ARGV[3])
redis.call('EXPIRE', pos, ARGV[3])
local why = redis.call('HGET', state, 'disabled') or ''
if why ~= '' and redis.call('HGET', state, 'disabled_rev') ~= ARGV[2] then
  redis.call('HDEL', state, 'disabled', 'disabled_rev')
  why = ''
end
local out = { redis.call('HGET', state, 'created'), why }
for _, v in ipairs(redis.call('HGETALL', pos)) do
  out[#out + 1] = v
end
return out
