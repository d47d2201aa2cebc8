-- SPDX-License-Identifier: BSD-2-Clause
-- webhook_take: lease the batch that is due, or make one of pending events.
-- KEYS: state, batch, meta, due, then the pending list of each kind.
-- ARGV: now (ms), end of the lease (ms), longest time an event waits for others
--   (ms), TTL (s), then the most events of a batch of each kind.
-- Returns id, kind, attempts, made at, events; or '', when to ask again (0:
--   nothing waits, -1: disabled).
-- meta: id -> "kind attempts made-at events".
local state, batch, meta, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now = tonumber(ARGV[1])
if redis.call('HEXISTS', state, 'disabled') == 1 then
  return { '', -1 }
end

local id = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, 1)[1]
if id then
  redis.call('ZADD', due, ARGV[2], id)
  local kind, attempts, made =
    (redis.call('HGET', meta, id) or '0 0 0 '):match('^(%d+) (%d+) (%d+) ')
  return { id, kind, attempts, made, redis.call('HGET', batch, id) or '' }
end

-- Which list is ready, and has waited longest?
local best, best_at, next_at
for kind = 0, #KEYS - 5 do
  local head = redis.call('LINDEX', KEYS[5 + kind], 0)
  if head then
    local at = tonumber(head:match('^%d+'))
    local ready = at + tonumber(ARGV[3])
    if ready > now and
      redis.call('LLEN', KEYS[5 + kind]) >= tonumber(ARGV[5 + kind]) then
      ready = now
    end
    if ready <= now and (not best or at < best_at) then
      best, best_at = kind, at
    end
    if not next_at or ready < next_at then
      next_at = ready
    end
  end
end
if not best then
  local soon = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
  if soon[2] and (not next_at or tonumber(soon[2]) < next_at) then
    next_at = tonumber(soon[2])
  end
  return { '', string.format('%.0f', next_at or 0) }
end

local list = KEYS[5 + best]
local events = redis.call('LRANGE', list, 0, tonumber(ARGV[5 + best]) - 1)
redis.call('LTRIM', list, #events, -1)
for i, text in ipairs(events) do
  text = text:sub(text:find(' ', 1, true) + 1)
  if i == 1 then
    -- The first event's id, and what it is told as, give the batch its id.
    local len, from = text:match('^(%d+):()')
    id = 'msg_' .. redis.sha1hex(list .. ' ' ..
      text:sub(from, from + tonumber(len) - 1)):sub(1, 32)
  end
  events[i] = #text .. ':' .. text
end
local octets = table.concat(events)
redis.call('HSET', batch, id, octets)
redis.call('HSET', meta, id, best .. ' 0 ' .. ARGV[1] .. ' ' .. #events)
redis.call('ZADD', due, ARGV[2], id)
for _, key in ipairs({ batch, meta, due }) do
  redis.call('EXPIRE', key, ARGV[4])
end
return { id, tostring(best), '0', ARGV[1], octets }
