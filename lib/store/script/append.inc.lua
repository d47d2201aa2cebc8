-- SPDX-License-Identifier: BSD-2-Clause
-- Writing events of one host, with their index and their counters.
local DAY_MS = 86400000
local stream, stream_day, stream_start_ms, stream_expires, stream_fresh
local base_ms, last_seq -- of the entries that this call writes
local retention_s
local index = {}
local counters = {}
local providers, provider_changed = {}, {}

-- The stream of today by Redis's own clock.  Near midnight, a stream that was
-- begun is not left again, even if the clock went back (fail-over).
-- days: that events are kept, behind theirs.
local function stream_open(key1, key2, midnight_ms, days)
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local left = midnight_ms - now
  if left <= 0 or left < 600000 and redis.call('EXISTS', key2) == 1 then
    stream, stream_start_ms = key2, midnight_ms
  else
    stream, stream_start_ms = key1, midnight_ms - DAY_MS
  end
  stream_day = stream:sub(-8)
  retention_s = days * 86400
  stream_expires = string.format('%.0f',
    (stream_start_ms + DAY_MS) / 1000 + retention_s)
  -- Entries get their ids from here, because what they hold depends on them.
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  stream_fresh = not last
  base_ms, last_seq = now, -1
  if last then
    local ms, seq = last[1]:match('^(%d+)-(%d+)$')
    if tonumber(ms) >= now then
      base_ms, last_seq = tonumber(ms), tonumber(seq)
    end
  end
end

-- As in proto/event.h: a place among those of this day is told as a distance.
local function pointer(id)
  if not id or id == '' then return '' end
  local day, ms, seq = id:match('^(%d+)/(%d+)%-(%d+)$')
  if day ~= stream_day then return id end
  local distance = string.format('%.0f', base_ms - tonumber(ms))
  return seq == '0' and distance or distance .. '-' .. seq
end

local function clean(s)
  return s:find('%c') and s:gsub('%c', ' ') or s
end

-- Where something can be found: 4096 shards a day, of records of 8 octets: 16
-- bits of a hash, then ms of the day and number of the entry in 48.
local function index_add(text, seq)
  local hash = redis.sha1hex(text)
  local shard = hash:sub(1, 3)
  index[shard] = (index[shard] or '') .. struct.pack('>I2I6',
    tonumber(hash:sub(4, 7), 16),
    math.max(base_ms - stream_start_ms, 0) * 2097152 + seq)
end

-- What leads to an event that has the queue id does not repeat it.
local LATER = {s = true, d = true, f = true, b = true, c = true}

-- e: the fields of proto/event.h, m: DAY/MS-SEQ or empty.
-- Returns DAY/MS-SEQ.
local function append(e)
  local seq = last_seq + 1
  local q, when = e.q or '', base_ms - tonumber(e.w)
  local to, facts = clean(e.r), e.f or ''
  local m = pointer(e.m)
  local packed = table.concat({
    e.t .. (e.s or '') .. (e.c and e.c ~= '' and '.' .. e.c or '') ..
      (e.d == '1' and '!' or ''), to, m,
    when == 0 and '' or string.format('%.0f', when),
    LATER[e.t] and m ~= '' and '' or clean(q),
    e.n == 'default' and '' or clean(e.n),
    clean(e.x or ''), clean(e.y or ''), clean(e.o or ''), facts}, '\t')
  local len = #packed
  while packed:byte(len) == 9 do len = len - 1 end
  local id = string.format('%.0f-%.0f', base_ms, seq)
  redis.call('XADD', stream, id, 'e', packed:sub(1, len))
  last_seq = seq
  if stream_fresh then
    redis.call('EXPIREAT', stream, stream_expires)
    stream_fresh = false
  end
  if to ~= '' then index_add(to, seq) end
  if q ~= '' then index_add('q\t' .. q, seq) end
  if facts ~= '' then
    local message_id = facts:match('^[^\t]*\t[^\t]*\t[^\t]*\t[^\t]*\t([^\t]+)')
    if message_id then index_add('m\t' .. message_id, seq) end
  end
  return stream_day .. '/' .. id
end

-- unit: a all, f filter, d domain; minute: YYYYMMDDHHMM
local function count(tenant, minute, unit, code, n)
  local key = tenant .. ':' .. minute:sub(1, 10)
  local hash = counters[key]
  if not hash then
    hash = {}
    counters[key] = hash
  end
  local list = hash[unit]
  if not list then
    list = {}
    hash[unit] = list
  end
  local what = minute:sub(11, 12) .. code
  list[what] = (list[what] or 0) + (n or 1)
end

local SUPPRESSED = {['10'] = true, ['11'] = true}
-- Of these, not what happened to mail, provider and domain say nothing.
local NO_MAIL = {e = true, o = true, i = true, a = true}

-- provider: the shaping filter's, or nil: what is known of the domain.
local function count_event(prefix, tenant, minute, letter, status, to, provider)
  local code, also = letter, nil
  if letter == 'f' or letter == 'b' then
    if SUPPRESSED[status] then code = 'p' end
    local n = tonumber(status)
    if n and n > 0 and n < 100 then also = string.char(128 + n) end
  end
  local units = {'a'}
  local domain = not NO_MAIL[letter] and to:match('@([^@]+)$')
  if domain then
    if provider and provider ~= '' then
      if providers[domain] ~= provider then
        providers[domain] = provider
        provider_changed[domain] = true
      end
    elseif providers[domain] == nil then
      providers[domain] =
        redis.call('HGET', prefix .. 'providers', domain) or false
    end
    units[2] = 'f' .. (providers[domain] or 'other')
    units[3] = 'd' .. clean(domain)
  end
  for i = 1, #units do
    count(tenant, minute, units[i], code)
    if also then count(tenant, minute, units[i], also) end
  end
end

-- An event whose minute and 13 values (proto/event.h) are ARGV[at] and behind.
local NAMES = {'t', 'n', 'r', 'q', 'm', 's', 'c', 'd', 'w', 'x', 'y', 'o', 'f'}
local function append_values(prefix, at)
  local e = {}
  for n = 1, 13 do e[NAMES[n]] = ARGV[at + n] end
  if e.n == '' then e.n = 'default' end
  if e.w == '' then e.w = string.format('%.0f', base_ms) end
  local id = append(e)
  count_event(prefix, e.n, ARGV[at], e.t, e.s, e.r)
  return id
end

-- list: records of 5 octets in the order of minutes: minute, code, number.
local function raise(list, minute, code, n)
  local at = #list
  while at > 0 do
    local m, c, n1, n2, n3 = list:byte(at - 4, at)
    if m < minute then break end
    if m == minute and c == code then
      n = n + n1 * 65536 + n2 * 256 + n3
      return list:sub(1, at - 5) ..
        struct.pack('>BBI3', minute, code, math.min(n, 16777215)) ..
        list:sub(at + 1)
    end
    at = at - 5
  end
  return list:sub(1, at) ..
    struct.pack('>BBI3', minute, code, math.min(n, 16777215)) ..
    list:sub(at + 1)
end

local DOMAINS_MAX = 1000
local PROVIDERS_MAX = 100000

local function unit_write(key, unit, list, old)
  local value = old or redis.call('HGET', key, unit) or ''
  for what, n in pairs(list) do
    value = raise(value, tonumber(what:sub(1, 2)), what:byte(3), n)
  end
  redis.call('HSET', key, unit, value)
end

local function hour_write(key, hash)
  local fresh = redis.call('EXISTS', key) == 0
  local domains, others = nil, {}
  for unit, list in pairs(hash) do
    local old = redis.call('HGET', key, unit)
    if not old and unit:sub(1, 1) == 'd' and unit ~= 'dother' then
      domains = domains or tonumber(redis.call('HGET', key, '#') or '0')
      if domains >= DOMAINS_MAX then
        for what, n in pairs(list) do others[what] = (others[what] or 0) + n end
        list = nil
      else
        domains = domains + 1
        redis.call('HSET', key, '#', domains)
      end
    end
    if list then unit_write(key, unit, list, old) end
  end
  if next(others) then unit_write(key, 'dother', others) end
  if fresh then
    redis.call('EXPIRE', key, string.format('%.0f', retention_s + 86400))
  end
end

-- prefix: of the host's counters and index; the keys share its slot.
local function events_close(prefix)
  for shard, records in pairs(index) do
    local key = prefix .. 'i:' .. stream_day .. ':' .. shard
    if redis.call('APPEND', key, records) == #records then
      redis.call('EXPIREAT', key, stream_expires)
    end
  end
  for name, hash in pairs(counters) do hour_write(prefix .. name, hash) end
  local key = prefix .. 'providers'
  for domain in pairs(provider_changed) do
    if redis.call('HGET', key, domain) ~= providers[domain] then
      redis.call('HSET', key, domain, providers[domain])
    end
  end
  if next(provider_changed) and redis.call('HLEN', key) > PROVIDERS_MAX then
    redis.call('HDEL', key, unpack(redis.call('HRANDFIELD', key, 100)))
  end
end
