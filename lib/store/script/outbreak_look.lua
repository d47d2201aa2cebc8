-- SPDX-License-Identifier: BSD-2-Clause
-- Results of one page of events: which errors belong to an outbreak?
-- KEYS  1 outbreaks of the tenant
-- ARGV  1 window, ms  2 recipients  3 share, percent  4 freeze, ms  5 host
--       then for each result: provider, when in ms, recipient's hash, event
--       id, and of an error its shape, class and text, else three empty ones
-- Returns {{0 or 1 for each result}, {outbreaks that begin with this page}}.
--
-- Sets of recipients make it the same when a page comes twice; an outbreak
-- names the event that it began with, so that a page which comes twice begins
-- it twice.  A provider without an error in two windows has no keys: its
-- successes are not counted until it has one.
--@ outbreak.inc.lua
local SHAPES_MAX, OUTBREAKS_MAX = 64, 200
local window, recipients = tonumber(ARGV[1]), tonumber(ARGV[2])
local share, freeze = tonumber(ARGV[3]), tonumber(ARGV[4])
local ttl = string.format('%.0f', 2 * window)
local results, adds, shapes, known, gone = {}, {}, {}, {}, {}

for i = 6, #ARGV, 7 do
  results[#results + 1] = {provider = ARGV[i], at = tonumber(ARGV[i + 1]),
    recipient = ARGV[i + 2], event = ARGV[i + 3], shape = ARGV[i + 4],
    class = ARGV[i + 5], text = ARGV[i + 6]}
end

-- A provider keeps the shapes that came last.
local function remember(provider, shape, at)
  local key = KEYS[1] .. ':' .. provider
  local before = tonumber(redis.call('ZSCORE', key, shape) or '0')
  if at > before then
    redis.call('ZADD', key, string.format('%.0f', at), shape)
  end
  redis.call('PEXPIRE', key, ttl)
  local over = redis.call('ZCARD', key) - SHAPES_MAX
  if over <= 0 then return end
  for _, old in ipairs(redis.call('ZRANGE', key, 0, over - 1)) do
    local keys = slice_keys(provider, at, window, old)
    keys[#keys + 1] = slice_key(provider, slice_of(at, window) + 1, old)
    redis.call('DEL', unpack(keys))
    gone[field_of(provider, old)] = true
  end
  redis.call('ZREMRANGEBYRANK', key, 0, over - 1)
end

local function add(key, recipient)
  adds[key] = adds[key] or {}
  table.insert(adds[key], recipient)
end

for _, r in ipairs(results) do
  if r.shape ~= '' then
    local name = field_of(r.provider, r.shape)
    local s = shapes[name]
    if not s then
      s = {provider = r.provider, shape = r.shape, at = 0}
      shapes[name] = s
      shapes[#shapes + 1] = s
    end
    if r.at >= s.at then s.at, s.last = r.at, r end
    if not s.class or s.class == 'none' then s.class = r.class end
    known[r.provider] = true
  end
end
for _, s in ipairs(shapes) do remember(s.provider, s.shape, s.at) end
for _, r in ipairs(results) do
  local p = r.provider
  if known[p] == nil then
    known[p] = redis.call('EXISTS', KEYS[1] .. ':' .. p) == 1
  end
  if known[p] then
    local slice = slice_of(r.at, window)
    add(slice_key(p, slice), r.recipient)
    if r.shape ~= '' and not gone[field_of(p, r.shape)] then
      add(slice_key(p, slice, r.shape), r.recipient)
    end
  end
end
for key, list in pairs(adds) do
  redis.call('PFADD', key, unpack(list))
  redis.call('PEXPIRE', key, ttl)
end

-- Enough recipients, and enough of them all?  How many, or nil.
local function trips(s)
  local n = redis.call('PFCOUNT',
    unpack(slice_keys(s.provider, s.at, window, s.shape)))
  if n < recipients then return nil end
  local total = redis.call('PFCOUNT',
    unpack(slice_keys(s.provider, s.at, window)))
  if total < n then total = n end
  if n * 100 < share * total then return nil end
  return n, total
end

-- Room for one more: the one that is over, else the oldest, goes.
local function make_room()
  if redis.call('HLEN', KEYS[1]) < OUTBREAKS_MAX then return end
  local all, oldest = redis.call('HGETALL', KEYS[1]), nil
  for i = 1, #all, 2 do
    local o = outbreak_parse(all[i + 1])
    local rank = (o.ended > 0 and 0 or 1e15) + o.last
    if not oldest or rank < oldest.rank then
      oldest = {field = all[i], rank = rank}
    end
  end
  redis.call('HDEL', KEYS[1], oldest.field)
end

local function begin(s, n, total)
  make_room()
  return {id = redis.sha1hex(field_of(s.provider, s.shape) .. s.last.event)
      :sub(1, 10), provider = s.provider, shape = s.shape,
    class = s.class, started = s.at, last = s.at, till = s.at + freeze,
    ended = 0, by = '', told = 0, claimed = 0, trip = s.last.event,
    host = ARGV[5], window = window, recipients = n, total = total,
    errors = 0, released = 0, text = s.last.text}
end

for _, s in ipairs(shapes) do
  local o = outbreak_get(s.provider, s.shape)
  if o and is_frozen(o, s.at) then
    s.outbreak, s.goes_on = o, o.ended == 0
  else
    local n, total = trips(s)
    if n and o and o.told == 0 then -- again before its end was told
      o.ended, o.by = 0, ''
      s.outbreak, s.goes_on = o, true
    elseif n then
      s.outbreak, s.changed = begin(s, n, total), true
    else
      s.outbreak = o -- for errors that are older
    end
  end
  if s.goes_on then
    local n, total = trips(s)
    if s.at > o.last then o.last, o.till = s.at, s.at + freeze end
    if n and n > o.recipients then o.recipients, o.total = n, total end
    s.changed = true
  end
end

local flags, started = {}, {}
for i, r in ipairs(results) do
  local s = r.shape ~= '' and shapes[field_of(r.provider, r.shape)]
  local o = s and s.outbreak
  flags[i] = 0
  if o and is_frozen(o, r.at) then
    flags[i] = 1
    o.errors = o.errors + 1
    s.changed = true
    if o.trip == r.event then started[#started + 1] = o end
  end
end
for _, s in ipairs(shapes) do
  if s.changed then outbreak_put(s.outbreak) end
end
for i, o in ipairs(started) do started[i] = outbreak_format(o) end
return {flags, started}
