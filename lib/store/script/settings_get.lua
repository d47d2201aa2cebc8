-- SPDX-License-Identifier: BSD-2-Clause
-- A tenant's document.
-- KEYS  1 revisions (hash)  2 documents (hash)  3 drafts (hash)
-- ARGV  1 tenant  2 revision; 0: the one in operation; draft: the draft, or
--       the one in operation
-- Returns revision (of a draft: the one it was made from), and the text or
-- nothing.
if ARGV[2] == 'draft' then
  local draft = redis.call('HGET', KEYS[3], ARGV[1])
  if draft then
    local base, text = draft:match('^(%d+)\n(.*)$')
    return {base, text}
  end
end
local rev = ARGV[2]
if rev == 'draft' or rev == '0' then
  rev = redis.call('HGET', KEYS[1], ARGV[1])
end
if not rev then return {'0'} end
return {rev, redis.call('HGET', KEYS[2], rev)}
