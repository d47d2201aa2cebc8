-- SPDX-License-Identifier: BSD-2-Clause
-- List one held message.  KEYS[at] is "due"; behind it "ready", "of", "count".
-- due: score there; 0: it goes to "ready" at once.
local function hold_put(at, id, record, due, ready)
  local to, off, score = at, at + 1, due
  if due == '0' then
    to, off, score = at + 1, at, ready
  end
  local reason, old = record:sub(1, 1), redis.call('HGET', KEYS[at + 2], id)
  if old then redis.call('HINCRBY', KEYS[at + 3], old:sub(1, 1), -1) end
  redis.call('HINCRBY', KEYS[at + 3], reason, 1)
  redis.call('HSET', KEYS[at + 2], id, record)
  redis.call('ZADD', KEYS[to], score, id)
  redis.call('ZREM', KEYS[off], id)
end
