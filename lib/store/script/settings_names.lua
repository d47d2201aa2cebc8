-- SPDX-License-Identifier: BSD-2-Clause
-- Tenants that have a revision or a draft.
-- KEYS  1 revisions (hash)  2 drafts (hash)
local names = redis.call('HKEYS', KEYS[1])
for _, name in ipairs(redis.call('HKEYS', KEYS[2])) do
  if redis.call('HEXISTS', KEYS[1], name) == 0 then
    names[#names + 1] = name
  end
end
return names
