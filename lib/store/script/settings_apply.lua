-- SPDX-License-Identifier: BSD-2-Clause
-- A draft becomes the newest revision.
-- KEYS  1 revisions (hash)  2 documents (hash)  3 history (hash)
--       4 drafts (hash)
-- ARGV  1 tenant  2 channel  3 now, s  4 author  5 note
-- Returns the revision, 0 when there is no draft, -1 when the draft was made
-- from another revision than the one in operation.
--@ settings_commit.inc.lua
local draft = redis.call('HGET', KEYS[4], ARGV[1])
if not draft then return 0 end
local base, text = draft:match('^(%d+)\n(.*)$')
if base ~= (redis.call('HGET', KEYS[1], ARGV[1]) or '0') then return -1 end
redis.call('HDEL', KEYS[4], ARGV[1])
return commit({revs = KEYS[1], docs = KEYS[2], history = KEYS[3]}, ARGV[1],
  ARGV[2], text, ARGV[3], ARGV[4], ARGV[5])
