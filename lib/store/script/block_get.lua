-- SPDX-License-Identifier: BSD-2-Clause
-- All that is known of an address.
-- KEYS  1 entries  2 counting  3 evidence
-- ARGV  1 field
-- Returns {entry, counting, evidence}, each '' where there is none.
local field = ARGV[1]
return {redis.call('HGET', KEYS[1], field) or '',
  redis.call('HGET', KEYS[2], field) or '',
  redis.call('HGET', KEYS[3], field) or ''}
