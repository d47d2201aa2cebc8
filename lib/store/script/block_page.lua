-- SPDX-License-Identifier: BSD-2-Clause
-- Entries of one shard, piece by piece; unsorted within a piece.
-- KEYS  1 what stands before the number of a piece
-- ARGV  1 first piece  2 how many there are  3 fields that are enough
-- Returns {next piece, piece, {field, entry, field, entry, ...}, piece, ...}
local piece, pieces = tonumber(ARGV[1]), tonumber(ARGV[2])
local enough = 2 * tonumber(ARGV[3])
local out, n = {0}, 0

while piece < pieces and n < enough do
  local all = redis.call('HGETALL', KEYS[1] .. string.format('%d', piece))
  if #all > 0 then
    out[#out + 1] = piece
    out[#out + 1] = all
    n = n + #all
  end
  piece = piece + 1
end
out[1] = piece
return out
