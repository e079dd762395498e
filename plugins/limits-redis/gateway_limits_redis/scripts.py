"""What Redis does at once, in Lua. Times are microseconds of Redis's own clock, so machines need not agree on theirs.

A rate is a string: its theoretical arrival time, gone when it has passed (GCRA). Slots are a sorted set: who holds one,
by the time at which the lease ends. Numbers are written by `%.0f`: Lua's own form would round them.
"""

from __future__ import annotations

TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local lease, holder = tonumber(ARGV[1]), ARGV[2]
local used, given, fits = {}, {}, 1
for i, key in ipairs(KEYS) do
  local cost, wish, most = tonumber(ARGV[4 * i - 1]), tonumber(ARGV[4 * i]), tonumber(ARGV[4 * i + 1])
  if ARGV[4 * i + 2] == '1' then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    used[i] = redis.call('ZCARD', key)
  else
    used[i] = math.max(0, tonumber(redis.call('GET', key) or 0) - now)
  end
  given[i] = math.min(wish, most - used[i])
  if given[i] < cost then fits = 0 end
end
local reply = {fits}
for i, key in ipairs(KEYS) do
  if fits == 1 then
    used[i] = used[i] + given[i]
    if ARGV[4 * i + 2] == '1' then
      redis.call('ZADD', key, string.format('%.0f', now + lease), holder)
      redis.call('PEXPIRE', key, math.ceil(lease / 1000) + 1000)
    else
      redis.call('SET', key, string.format('%.0f', now + used[i]), 'PX', math.ceil(used[i] / 1000) + 1000)
    end
  end
  reply[2 * i], reply[2 * i + 1] = used[i], given[i]
end
return reply
"""
"""KEYS: the counters. ARGV: lease, holder; then of each counter: cost, wish, most, whether it is of slots.

All is given or nothing: of each counter as much as is wished and there, and the cost at least. Gives whether it was;
then of each counter what is used now, and what was given.
"""

CHANGE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for i, key in ipairs(KEYS) do
  local used = math.max(0, tonumber(redis.call('GET', key) or 0) - now) + tonumber(ARGV[i])
  if used > 0 then
    redis.call('SET', key, string.format('%.0f', now + used), 'PX', math.ceil(used / 1000) + 1000)
  else
    redis.call('DEL', key)
  end
end
"""
"""KEYS: rates. ARGV: by how much each is used more, or less."""

RENEW = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local lease = tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, string.format('%.0f', now + lease), ARGV[i + 1])
  redis.call('PEXPIRE', key, math.ceil(lease / 1000) + 1000)
end
"""
"""KEYS: slots, one for each lease. ARGV: lease; then who holds each. What Redis has lost meanwhile is there again."""

RELEASE = """
for i, key in ipairs(KEYS) do
  redis.call('ZREM', key, ARGV[i])
end
"""
"""KEYS: slots, one for each lease. ARGV: who held each."""
