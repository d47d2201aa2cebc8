-- SPDX-License-Identifier: BSD-2-Clause
-- Where a held message stands in "ready", by its record: lib/store/hold_store.h.
-- Numbers are formatted, as Lua alone would write 14 digits only.
local function hold_rank(record, priority_max, rank)
  local priority, arrived = string.match(record or '', '^..(%d+)\t(%d+)\t')
  if not priority then return 0 end
  return string.format('%.0f',
    (priority_max - priority) * rank + arrived % rank)
end
