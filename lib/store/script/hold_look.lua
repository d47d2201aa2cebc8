-- SPDX-License-Identifier: BSD-2-Clause
-- Which messages are listed.
-- KEYS  1 of
-- ARGV  queue ids
-- Returns text: 1 or 0 for each.
local out = {}
for i, id in ipairs(ARGV) do
  out[i] = redis.call('HEXISTS', KEYS[1], id)
end
return table.concat(out)
