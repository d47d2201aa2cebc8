-- SPDX-License-Identifier: BSD-2-Clause
-- Commit what a batch of log lines says: events, counters, the state of each
-- recipient, and the checkpoint behind these lines.
-- KEYS  1 checkpoints  2 3 streams before and behind midnight  4 ... messages
-- ARGV  1 midnight, ms  2 prefix of the counters  3 source
--       4 checkpoint expected  5 next  6 TTL of messages, s
--       7 days that events are kept
--       then 12 for each: kind (q queued, r result, e expired, x removed),
--       number of the message's key, minute, when in ms, queue id,
--       recipient (q: sender), type letter, status, class, reason, relay,
--       provider
-- Returns {1, next}, or {0, checkpoint as it is} and nothing was written.
--
-- A message's hash: t tenant, f facts (until the queued events are written),
-- e sender by the log, i id of the event with the facts, x when it was
-- removed, o who is about to delete it, b that it is a copy for an archive (a
-- when its failure was told), those of delivery_bounce.lua,
-- rADDRESS state of a recipient: a letter (p known, q queued,
-- s succeeded, f failed), E if its error was told or -, and for a deferred
-- one a tab, its last status, a tab, its last reason.
--@ append.inc.lua
local current = redis.call('HGET', KEYS[1], ARGV[3]) or ''
if current ~= ARGV[4] then return {0, current} end
local ttl = tonumber(ARGV[6])
local messages = {}

local function fresh(key)
  return {key = key, h = {}, order = {}, new = true, changed = {}}
end

local function message(key)
  local m = messages[key]
  if m then return m end
  m = fresh(key)
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    m.h[all[i]] = all[i + 1]
    m.new = false
    if all[i]:sub(1, 1) == 'r' then m.order[#m.order + 1] = all[i]:sub(2) end
  end
  messages[key] = m
  return m
end

local function set(m, field, value)
  m.h[field] = value
  m.changed[field] = true
end

local function state(m, address)
  local s = m.h['r' .. address]
  if not s then return nil end
  return s:sub(1, 1), s:sub(2, 2)
end

local function set_state(m, address, letter, mark, rest)
  if not m.h['r' .. address] then m.order[#m.order + 1] = address end
  set(m, 'r' .. address, letter .. mark .. (rest or ''))
end

local prefix = ARGV[2]

-- e: fields beside those of the message and the log line.
local function write(m, op, e)
  local tenant = m.h.t or 'default'
  e.n, e.q, e.m, e.w = tenant, op.queue_id, m.h.i, op.at
  count_event(prefix, tenant, op.minute, e.t, e.s or '', e.r, op.provider)
  return append(e)
end

local function write_queued(m, op, address)
  local facts = ''
  if not m.h.i then
    facts = m.h.f or (m.h.e == '' and '<>' or m.h.e or '')
  end
  -- The line's provider is that of its own recipient.
  local id = write(m, {at = op.at, minute = op.minute, queue_id = op.queue_id,
    provider = address == op.recipient and op.provider or nil},
    {t = 'q', r = address, f = facts})
  if not m.h.i then
    set(m, 'i', id)
    if m.h.f then set(m, 'f', nil) end
    if m.h.e then set(m, 'e', nil) end
  end
  local _, mark = state(m, address)
  set_state(m, address, 'q', mark or '-')
end

local function queue_all(m, op)
  for i = 1, #m.order do
    if state(m, m.order[i]) == 'p' then write_queued(m, op, m.order[i]) end
  end
end

local function fail(m, op, address, e)
  local _, mark = state(m, address)
  e.t, e.r, e.d = 'f', address, mark == 'E' and '1' or ''
  write(m, op, e)
  set_state(m, address, 'f', 'E')
end

-- Mail with an empty envelope sender that no milter saw is Postfix's own:
-- bounces and notices.  They are no events.
local function is_internal(m)
  return m.h.e == '' and not m.h.f and not m.h.i
end

-- Copies for an archive are nobody's deliveries: they are counted, and the
-- first final failure of each is told.
local archive = {}

local function archive_failed(m, op, status)
  count(m.h.t or 'default', op.minute, 'a', 'W')
  if m.h.a then return end
  append({t = 'o', n = m.h.t or 'default', r = op.recipient, q = op.queue_id,
    s = status, w = op.at, x = op.reason, y = op.relay, o = 'bcc', f = m.h.f})
  set(m, 'a', '1')
end

function archive.q(m)
  if not m.h.i then set(m, 'i', '-') end
end

function archive.r(m, op)
  if op.type == 's' then
    count(m.h.t or 'default', op.minute, 'a', 'A')
  elseif op.type == 'f' then
    archive_failed(m, op, op.status)
  end
end

function archive.e(m, op) archive_failed(m, op, '3') end

function archive.x(m, op)
  set(m, 'x', op.at)
  m.removed = true
end

local kinds = {}

function kinds.q(m, op)
  if m.h.x and tonumber(op.at) > tonumber(m.h.x) then -- the id is used again
    local deleted = fresh(m.key)
    deleted.delete_first = true
    messages[m.key] = deleted
    m = deleted
  end
  if m.h.f then
    queue_all(m, op)
  elseif not m.h.i and not m.h.e then
    set(m, 'e', clean(op.recipient))
  end
end

function kinds.r(m, op)
  if is_internal(m) then return end
  local address = op.recipient
  local letter, mark = state(m, address)
  if letter == 's' or letter == 'f' then return end
  if letter ~= 'q' then
    queue_all(m, op)
    if not letter then write_queued(m, op, address) end
    letter, mark = state(m, address)
  end
  if op.type == 'f' then
    fail(m, op, address,
      {s = op.status, c = op.class, x = op.reason, y = op.relay})
    return
  end
  write(m, op, {t = op.type, r = address, s = op.status, c = op.class,
    x = op.reason, y = op.relay})
  if op.type == 's' then
    set_state(m, address, 's', mark)
  else
    set_state(m, address, 'q', mark, '\t' .. op.status .. '.' .. op.class ..
      '\t' .. op.reason)
  end
end

local CLASS_EXPIRED = '11' -- of proto/bounce_class.h

function kinds.e(m, op)
  if is_internal(m) then return end
  queue_all(m, op)
  for i = 1, #m.order do
    local address = m.order[i]
    if state(m, address) == 'q' then
      local status, class, reason =
        m.h['r' .. address]:match('^..\t(%d*)%.?(%d*)\t(.*)$')
      fail(m, op, address, {s = status == '5' and '5' or '3',
        c = class and class ~= '' and class or CLASS_EXPIRED,
        x = reason or op.reason})
    end
  end
end

function kinds.x(m, op)
  if is_internal(m) then
    m.delete = true
    return
  end
  local keep = false
  queue_all(m, op)
  for i = 1, #m.order do
    local address = m.order[i]
    if state(m, address) == 'q' then
      fail(m, op, address,
        {s = '99', x = 'removed from the queue', o = m.h.o})
    end
    local letter, mark = state(m, address)
    if letter ~= 's' or mark == 'E' then keep = true end
  end
  -- What was told already (delivery_bounce.lua) is not told twice.
  for field in pairs(m.h) do
    if field:find('^[cuv].') then keep = true end
  end
  if keep then
    set(m, 'x', op.at)
    m.removed = true
  else
    m.delete = true
  end
end

stream_open(KEYS[2], KEYS[3], tonumber(ARGV[1]), tonumber(ARGV[7]))
for i = 8, #ARGV, 12 do
  local op = {minute = ARGV[i + 2], at = ARGV[i + 3], queue_id = ARGV[i + 4],
    recipient = ARGV[i + 5], type = ARGV[i + 6], status = ARGV[i + 7],
    class = ARGV[i + 8], reason = ARGV[i + 9], relay = ARGV[i + 10],
    provider = ARGV[i + 11]}
  local m = message(KEYS[3 + tonumber(ARGV[i + 1])])
  if m.delete then -- lines behind its removal
    local again = fresh(m.key)
    again.delete_first = true
    messages[m.key] = again
    m = again
  end
  local handlers = m.h.b and archive or kinds
  handlers[ARGV[i]](m, op)
end

for key, m in pairs(messages) do
  if m.delete or m.delete_first then redis.call('DEL', key) end
  if not m.delete then
    local pairs_to_set, any = {}, false
    for field in pairs(m.changed) do
      any = true
      if m.h[field] then
        pairs_to_set[#pairs_to_set + 1] = field
        pairs_to_set[#pairs_to_set + 1] = m.h[field]
      else
        redis.call('HDEL', key, field)
      end
    end
    for i = 1, #pairs_to_set, 1000 do
      redis.call('HSET', key,
        unpack(pairs_to_set, i, math.min(i + 999, #pairs_to_set)))
    end
    if any and (m.new or m.removed or m.delete_first) then
      -- While Postfix has it, its state is needed, however long events are
      -- kept.
      redis.call('EXPIRE', key,
        m.removed and math.min(ttl, retention_s + DAY_MS / 1000) or ttl)
    end
  end
end
events_close(prefix)
redis.call('HSET', KEYS[1], ARGV[3], ARGV[5])
return {1, ARGV[5]}
