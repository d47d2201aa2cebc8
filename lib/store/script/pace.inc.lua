-- SPDX-License-Identifier: BSD-2-Clause
-- Part of pace_*.lua: the state of one filter.
-- i interval in force, us   c interval as configured   b measured, if none is
-- t next free slot   z since when busy without a break   u suspended until
-- l last halved      s last complaint or step            n attempts
-- m minute, q attempts in it, p in the one before        w f v x windows of
-- 10 s: number, time of its first attempt, attempts, those of the one before
-- a time of the last change   h what it was   r the reply or person behind it
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local TTL = 172800000

local function text(n) return string.format('%.0f', n) end

local function read()
  local h, all = {}, call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do h[all[i]] = all[i + 1] end
  return h
end

local function num(v) return tonumber(v or 0) or 0 end

local function tell(channel, name, h)
  local left = num(h.u) - now
  if left < 0 then left = 0 end
  call('PUBLISH', channel, text(left) .. ' ' .. name)
end
