-- SPDX-License-Identifier: BSD-2-Clause
-- webhook_show: the state of an endpoint for people.
-- KEYS: state, dead.
-- Returns waiting, dead, created, delivered, failed, error, disabled.
local v = redis.call('HMGET', KEYS[1], 'waiting', 'created', 'delivered',
  'failed', 'error', 'disabled')
return { v[1] or '0', redis.call('ZCARD', KEYS[2]), v[2] or '0', v[3] or '0',
  v[4] or '0', v[5] or '', v[6] or '' }
