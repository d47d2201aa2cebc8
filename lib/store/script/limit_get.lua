-- SPDX-License-Identifier: BSD-2-Clause
-- limit_get: what is kept for one value of a rate limit.
-- KEYS[1]  as in limit_take and limit_set
-- Returns Redis's clock in us, and the text.
local time = redis.call('TIME')
return {string.format('%.0f', time[1] * 1000000 + time[2]),
  redis.call('GET', KEYS[1]) or ''}
