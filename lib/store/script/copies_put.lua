-- SPDX-License-Identifier: BSD-2-Clause
-- Note for whom the MTA has copies of a message.
-- KEYS  1 copies
-- ARGV  1 TTL, s; then recipient and state of each, empty: it is forgotten
-- Returns 1.
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[1], ARGV[i])
  else
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
