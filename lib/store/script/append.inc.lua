-- SPDX-License-Identifier: BSD-2-Clause
-- Writing events and counters of one host.
local RETENTION_S, DAY_MS = 40 * 86400, 86400000
local stream, stream_day, stream_end_ms, stream_fresh
local counters = {}

-- The stream of today by Redis's own clock.  Near midnight, a stream that was
-- begun is not left again, even if the clock went back (fail-over).
local function stream_open(key1, key2, midnight_ms)
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local left = midnight_ms - now
  if left <= 0 or left < 600000 and redis.call('EXISTS', key2) == 1 then
    stream, stream_end_ms = key2, midnight_ms + DAY_MS
  else
    stream, stream_end_ms = key1, midnight_ms
  end
  stream_day = stream:sub(-8)
  stream_fresh = redis.call('EXISTS', stream) == 0
end

-- An event id as it is stored: without the day when it is today's.
local function pointer(id)
  if id and id:sub(1, 9) == stream_day .. '/' then return id:sub(10) end
  return id or ''
end

-- The fields of proto/event.h, always all of them.  Returns DAY/MS-SEQ.
local function append(t, n, r, q, m, s, d, w, x, y, o, f)
  local id = redis.call('XADD', stream, '*', 't', t, 'n', n, 'r', r, 'q', q,
    'm', m, 's', s, 'd', d, 'w', w, 'x', x, 'y', y, 'o', o, 'f', f)
  if stream_fresh then
    redis.call('EXPIREAT', stream,
      string.format('%.0f', stream_end_ms / 1000 + RETENTION_S))
    stream_fresh = false
  end
  return stream_day .. '/' .. id
end

-- minute: YYYYMMDDHHMM
local function count(tenant, minute, name)
  local key, field = tenant .. ':' .. minute:sub(1, 10),
    minute:sub(11, 12) .. ':' .. name
  local hash = counters[key]
  if not hash then
    hash = {}
    counters[key] = hash
  end
  hash[field] = (hash[field] or 0) + 1
end

local COUNTED = {q = 'queued', s = 'succeeded', d = 'deferred', f = 'failed',
  b = 'bounced', k = 'blocked', u = 'unblocked', e = 'exempted',
  o = 'observed', c = 'complained', i = 'inbound', a = 'alarms'}
local function count_event(tenant, minute, letter, status)
  count(tenant, minute, COUNTED[letter] or 'other')
  if status ~= '' and (letter == 'f' or letter == 'b') then
    count(tenant, minute, COUNTED[letter] .. '_' .. status)
  end
end

-- prefix: of the host's counters; the keys share its slot.
local function counters_write(prefix)
  for name, hash in pairs(counters) do
    local key = prefix .. name
    for field, n in pairs(hash) do
      redis.call('HINCRBY', key, field, n)
    end
    redis.call('EXPIRE', key, RETENTION_S + 86400)
  end
end
