-- SPDX-License-Identifier: BSD-2-Clause
-- Which addresses that mail was delivered to have errors that a success ends?
-- KEYS  1 hashes of addresses with such errors (set)
-- ARGV  pairs: "+" and a hash that gets one now, "?" and one to look up
-- Returns 0 or 1 for each pair.
local out = {}
for i = 1, #ARGV, 2 do
  local there = redis.call('SISMEMBER', KEYS[1], ARGV[i + 1])
  if ARGV[i] == '+' and there == 0 then
    redis.call('SADD', KEYS[1], ARGV[i + 1])
  end
  out[#out + 1] = there
end
return out
