// What all scripts about routes begin with: a hash a user, device → `<expiry> <gateway> <connection>`.
// `live` drops what has expired and gives what is left: device, gateway, connection, three each.

export const routePrelude = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function live(routes)
  local rows, left = redis.call('HGETALL', routes), {}
  for i = 1, #rows, 2 do
    local expiry, gateway, connection = string.match(rows[i + 1], '^(%d+) (%S+) (%S+)$')
    if expiry and tonumber(expiry) > now then
      left[#left + 1] = rows[i]
      left[#left + 1] = gateway
      left[#left + 1] = connection
    else
      redis.call('HDEL', routes, rows[i])
    end
  end
  return left
end
local function hold(routes, device, gateway, connection, ttl)
  redis.call('HSET', routes, device, string.format('%.0f %s %s', now + ttl, gateway, connection))
  redis.call('PEXPIRE', routes, ttl)
end
`;
