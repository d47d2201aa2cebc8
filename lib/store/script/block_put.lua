-- SPDX-License-Identifier: BSD-2-Clause
-- Block or exempt an address by hand.
-- KEYS  1 blocks (hash)  2 their index (sorted set)
-- ARGV  1 address  2 record  3 now, s
-- Returns 1 when it came into this state, 0 when it was in it before (then
-- only a note and an expiry that were given replace the old ones).
--@ block_record.inc.lua
local address, now = ARGV[1], tonumber(ARGV[3])
local new = record_parse(ARGV[2])
if new.state ~= 'b' and new.state ~= 'e' then
  return redis.error_reply('ERR block_put: not a record to store')
end
local text = redis.call('HGET', KEYS[1], address)
local old = text and record_parse(text)

if old and old.state == new.state and
    (old.expires == 0 or now < old.expires) then
  if new.note ~= '' then old.note = new.note end
  if new.expires ~= 0 then old.expires = new.expires end
  redis.call('HSET', KEYS[1], address, record_format(old))
  redis.call('ZADD', KEYS[2], 0, address)
  return 0
end
if new.since == 0 then new.since = now end
if new.ref == '' then
  new.ref = reference(ARGV[3] .. ' ' .. address)
end
redis.call('HSET', KEYS[1], address, record_format(new))
redis.call('ZADD', KEYS[2], 0, address)
return 1
