-- SPDX-License-Identifier: BSD-2-Clause
-- A page of a tenant's mails of one host, newest first.
-- KEYS  1 index
-- ARGV  1 what stands before the id in the key of a record
--       2 time from which on ("+inf", or "(US")  3 limit, then the fields
-- Returns {id, time, {values}} for each; those whose time is over, or that
-- are not kept any more, have no first value.
local rows = redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[2], '-inf',
  'WITHSCORES', 'LIMIT', 0, ARGV[3])
local page = {}
for i = 1, #rows, 2 do
  local values = redis.call('HMGET', ARGV[1] .. rows[i], unpack(ARGV, 4))
  if not values[1] then redis.call('ZREM', KEYS[1], rows[i]) end
  page[#page + 1] = {rows[i], string.format('%.0f', rows[i + 1]), values}
end
return page
