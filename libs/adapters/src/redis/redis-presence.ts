// Presence in Redis: a hash a user, device → `<expiry> <gateway> <connection>`. Expiry is judged by Redis's own clock,
// so the clocks of gateways do not matter. When every row of a user is gone, so is the hash.
import { redisKeys } from '@parley/protocol';
import type { Clock, Result } from '@parley/std';
import { err, ok } from '@parley/std';
import type {
  DeviceRoute,
  PresenceChange,
  PresenceError,
  PresenceLimits,
  PresenceRegistry,
  PresenceState,
} from '../ports/presence-registry.ts';
import { presenceLimits } from '../ports/presence-registry.ts';
import type { RedisLink } from './redis-link.ts';
import { RedisScript } from './redis-script.ts';

// `live` drops what has expired and gives what is left: device, gateway, connection, three each.
const prelude = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function live()
  local rows, left = redis.call('HGETALL', KEYS[1]), {}
  for i = 1, #rows, 2 do
    local expiry, gateway, connection = string.match(rows[i + 1], '^(%d+) (%S+) (%S+)$')
    if expiry and tonumber(expiry) > now then
      left[#left + 1] = rows[i]
      left[#left + 1] = gateway
      left[#left + 1] = connection
    else
      redis.call('HDEL', KEYS[1], rows[i])
    end
  end
  return left
end
local function hold(device, gateway, connection, ttl)
  redis.call('HSET', KEYS[1], device, string.format('%.0f %s %s', now + ttl, gateway, connection))
  redis.call('PEXPIRE', KEYS[1], ttl)
end
`;

// What changes a route tells in the same call when its user was last seen: that is half the calls of a storm of clients.
// ARGV: device, gateway, connection, route TTL, now by the gateway, TTL of last seen.
const seenPrelude = `${prelude}
redis.call('SET', KEYS[2], ARGV[5], 'PX', ARGV[6])
`;

const connectedScript = new RedisScript(`${seenPrelude}
local before = #live()
hold(ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]))
return before == 0 and 1 or 0
`);

// A device that has a newer connection elsewhere keeps that one.
const refreshScript = new RedisScript(`${seenPrelude}
local rows = live()
for i = 1, #rows, 3 do
  if rows[i] == ARGV[1] and rows[i + 2] ~= ARGV[3] then return 0 end
end
hold(ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]))
return 1
`);

// 0: it was not this connection's; 1: the user has other devices; 2: that was the last one.
const disconnectedScript = new RedisScript(`${seenPrelude}
local rows = live()
for i = 1, #rows, 3 do
  if rows[i] == ARGV[1] and rows[i + 1] == ARGV[2] and rows[i + 2] == ARGV[3] then
    redis.call('HDEL', KEYS[1], ARGV[1])
    return #rows == 3 and 2 or 1
  end
end
return 0
`);

const liveScript = new RedisScript(`${prelude}
return live()
`);

export class RedisPresence implements PresenceRegistry {
  readonly #link: RedisLink;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #limits: PresenceLimits;

  constructor(link: RedisLink, clock: Pick<Clock, 'nowMs'>, limits: PresenceLimits = presenceLimits) {
    this.#link = link;
    this.#clock = clock;
    this.#limits = limits;
  }

  async connected(route: DeviceRoute): Promise<Result<PresenceChange, PresenceError>> {
    const result = await this.#change(connectedScript, route);
    return result.ok ? ok({ cameOnline: result.value === 1, wentOffline: false }) : away;
  }

  async disconnected(route: DeviceRoute): Promise<Result<PresenceChange, PresenceError>> {
    const result = await this.#change(disconnectedScript, route);
    return result.ok ? ok({ cameOnline: false, wentOffline: result.value === 2 }) : away;
  }

  async refresh(routes: readonly DeviceRoute[]): Promise<Result<void, PresenceError>> {
    const results = await Promise.all(routes.map((route) => this.#change(refreshScript, route)));
    return results.every((result) => result.ok) ? ok(undefined) : away;
  }

  async query(
    tenant: string,
    users: readonly string[],
  ): Promise<Result<readonly PresenceState[], PresenceError>> {
    const states = await Promise.all(users.map((user) => this.#stateOf(tenant, user)));
    const known = states.filter((state) => state !== undefined);
    return known.length === states.length ? ok(known) : away;
  }

  async routesOf(tenant: string, user: string): Promise<Result<readonly DeviceRoute[], PresenceError>> {
    const result = await this.#live(tenant, user);
    if (!result.ok) return away;
    const routes: DeviceRoute[] = [];
    for (let i = 0; i + 2 < result.value.length; i += 3) {
      const [device, gateway, connection] = result.value.slice(i, i + 3) as [string, string, string];
      routes.push({ tenant, user, device, gateway, connection });
    }
    return ok(routes);
  }

  async #stateOf(tenant: string, user: string): Promise<PresenceState | undefined> {
    const [routes, seen] = await Promise.all([
      this.#live(tenant, user),
      this.#link.call((redis) => redis.get(redisKeys.lastSeen(tenant, user))),
    ]);
    if (!routes.ok || !seen.ok) return undefined;
    return { user, online: routes.value.length > 0, lastSeenMs: Number(seen.value ?? 0) };
  }

  async #live(tenant: string, user: string): Promise<Result<readonly string[], PresenceError>> {
    const result = await this.#link.call((redis) =>
      liveScript.run(redis, redisKeys.routes(tenant, user), []),
    );
    return result.ok ? ok(result.value as string[]) : away;
  }

  #change(script: RedisScript, { tenant, user, device, gateway, connection }: DeviceRoute) {
    const { routeTtlMs, lastSeenTtlMs } = this.#limits;
    const keys = [redisKeys.routes(tenant, user), redisKeys.lastSeen(tenant, user)];
    const args = [device, gateway, connection, routeTtlMs, this.#clock.nowMs(), lastSeenTtlMs];
    return this.#link.call((redis) => script.run(redis, keys, args));
  }
}

const away = err<PresenceError>('STORE_AWAY');
