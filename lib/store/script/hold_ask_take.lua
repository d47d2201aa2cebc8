-- SPDX-License-Identifier: BSD-2-Clause
-- Take the oldest thing that was asked.
-- KEYS  1 ask
-- Returns "VERB QUEUEID ACTOR" or nil, and how many are left.
return {redis.call('LPOP', KEYS[1]), redis.call('LLEN', KEYS[1])}
