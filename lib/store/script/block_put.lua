-- SPDX-License-Identifier: BSD-2-Clause
-- Block or exempt an address by hand.
-- KEYS  1 entries  2 counting  3 evidence
-- ARGV  1 field  2 entry  3 evidence, or ''  4 now, s  5 note: '' kept, '1'
--       replaced  6 expiry: '' kept, '1' replaced
-- Returns 1 when it came into this state, 0 when it was in it before (then
-- only a note and an expiry that were given replace the old ones).
--@ block_record.inc.lua
local field, now = ARGV[1], tonumber(ARGV[4])
local new = entry_parse(ARGV[2])
if not new then
  return redis.error_reply('ERR block_put: not a record to store')
end
evidence_parse(ARGV[3], new)
local old = record_load(field)

if old.state == new.state and (old.expires == 0 or now < old.expires) then
  if ARGV[5] == '1' then old.note = new.note end
  if ARGV[6] == '1' then old.expires = new.expires end
  record_save(field, old)
  return 0
end
if new.since == 0 then new.since = now end
-- The messages counted are remembered, as in block_remove.lua.
if new.counts == '' then new.counts = old.counts:match(';.+') or '' end
record_save(field, new)
return 1
