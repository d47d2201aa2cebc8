-- SPDX-License-Identifier: BSD-2-Clause
-- One held message.
-- KEYS  1 due  2 ready  3 of
-- ARGV  1 queue id
-- Returns queue id, record, list ("r" ready, "d" due), score; or nothing.
local record = redis.call('HGET', KEYS[3], ARGV[1])
if not record then return {} end
local score = redis.call('ZSCORE', KEYS[2], ARGV[1])
if score then return {ARGV[1], record, 'r', score} end
return {ARGV[1], record, 'd', redis.call('ZSCORE', KEYS[1], ARGV[1]) or 'inf'}
