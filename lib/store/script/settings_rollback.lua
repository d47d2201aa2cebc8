-- SPDX-License-Identifier: BSD-2-Clause
-- An old revision becomes the newest one.
-- KEYS  1 revisions (hash)  2 documents (hash)  3 history (hash)
-- ARGV  1 tenant  2 channel  3 now, s  4 author  5 note  6 old revision
-- Returns the new revision, 0 when the old one is not kept.
--@ settings_commit.inc.lua
local text = redis.call('HGET', KEYS[2], ARGV[6])
if not text then return 0 end
return commit({revs = KEYS[1], docs = KEYS[2], history = KEYS[3]}, ARGV[1],
  ARGV[2], text, ARGV[3], ARGV[4], ARGV[5])
