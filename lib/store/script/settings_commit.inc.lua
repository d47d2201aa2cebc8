-- SPDX-License-Identifier: BSD-2-Clause
-- A document becomes the newest revision of its tenant, and everybody hears it.
local KEEP = 100

local function commit(keys, name, channel, text, at, author, note)
  local rev = redis.call('HINCRBY', keys.revs, name, 1)
  redis.call('HSET', keys.docs, rev, text)
  redis.call('HSET', keys.history, rev,
    string.format('%s\t%s\t%s', at, author, note))
  redis.call('HDEL', keys.docs, rev - KEEP)
  redis.call('HDEL', keys.history, rev - KEEP)
  redis.call('PUBLISH', channel, name .. ' ' .. rev)
  return rev
end
