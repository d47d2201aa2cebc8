-- SPDX-License-Identifier: BSD-2-Clause
-- Outbreaks of one tenant: KEYS[1] is the hash of them, by provider and shape
-- with a blank between; all else lies behind it in the same slot:
--   :PROVIDER              sorted set, shapes by the time they came last
--   :PROVIDER:N            HyperLogLog, recipients with a result in slice N
--   :PROVIDER:N:SHAPE      the same, those with that answer
--   :PROVIDER:b:SHAPE      sorted set, "ADDRESS\tEVENT" that it has blocked
local SLICES = 8
local NAMES = {'id', 'provider', 'shape', 'class', 'started', 'last', 'till',
  'ended', 'by', 'told', 'claimed', 'trip', 'host', 'window', 'recipients',
  'total', 'errors', 'released', 'text'}
local NUMBERS = {started = true, last = true, till = true, ended = true,
  told = true, claimed = true, window = true, recipients = true, total = true,
  errors = true, released = true}

local function outbreak_parse(text)
  local o, i = {}, 1
  for value in (text .. '\t'):gmatch('([^\t]*)\t') do
    local name = NAMES[i]
    if name == nil then break end
    o[name] = NUMBERS[name] and (tonumber(value) or 0) or value
    i = i + 1
  end
  return o
end

local function outbreak_format(o)
  local out = {}
  for i, name in ipairs(NAMES) do
    local value = o[name]
    if NUMBERS[name] then value = string.format('%.0f', value or 0) end
    out[i] = value or ''
  end
  return table.concat(out, '\t')
end

local function field_of(provider, shape) return provider .. ' ' .. shape end

local function outbreak_get(provider, shape)
  local text = redis.call('HGET', KEYS[1], field_of(provider, shape))
  return text and outbreak_parse(text) or nil
end

local function outbreak_put(o)
  redis.call('HSET', KEYS[1], field_of(o.provider, o.shape),
    outbreak_format(o))
end

-- Is an answer of that time left out?
local function is_frozen(o, at)
  local till = o.till
  if o.ended > 0 and o.ended < till then till = o.ended end
  return at <= till and at >= o.started - o.window
end

local function slice_of(at, window)
  return math.floor(at / math.ceil(window / SLICES))
end

local function slice_key(provider, slice, shape)
  local key = string.format('%s:%s:%.0f', KEYS[1], provider, slice)
  return shape and key .. ':' .. shape or key
end

-- The last SLICES of them up to a time.
local function slice_keys(provider, at, window, shape)
  local keys, last = {}, slice_of(at, window)
  for i = last - SLICES + 1, last do
    keys[#keys + 1] = slice_key(provider, i, shape)
  end
  return keys
end

local function blocked_key(provider, shape)
  return KEYS[1] .. ':' .. provider .. ':b:' .. shape
end

-- What was counted of that answer is forgotten: the next outbreak of it needs
-- as many recipients again.
local function outbreak_forget(o, now)
  redis.call('DEL', unpack(slice_keys(o.provider, now, o.window, o.shape)))
end
