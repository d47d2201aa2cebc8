-- SPDX-License-Identifier: BSD-2-Clause
-- List messages that are held already.
-- KEYS  1 due  2 ready  3 of  4 count
-- ARGV  for each: queue id, record, score in due (0: none), score in ready
-- Returns 1.
--@ hold_put.inc.lua
for i = 1, #ARGV, 4 do
  hold_put(1, ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
end
return 1
