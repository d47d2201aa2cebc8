-- SPDX-License-Identifier: BSD-2-Clause
-- Take back the block that one error made, for whatever stream.
-- KEYS  1 entries  2 counting  3 evidence
-- ARGV  1 address  2 event id
-- Returns 1, also when the call is repeated; 0: that error blocks it not.
--
-- The messages counted are remembered, as in block_remove.lua, and the lift
-- itself with them.
--@ block_record.inc.lua
--@ block_ids.inc.lua
local address, event_id = ARGV[1], ARGV[2]
local mark = short_id('lift ' .. event_id)

for _, field in ipairs(record_fields(address)) do
  local r = record_load(field)
  local ids = ids_of(r.counts)
  if r.state == 'c' and ids_have(ids, mark) then return 1 end
  if r.state == 'b' and r.event_id == event_id then
    local c = record_new()
    ids_add(ids, mark)
    c.counts = ids_text(ids)
    record_save(field, c)
    return 1
  end
end
return 0
