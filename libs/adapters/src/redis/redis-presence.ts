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
import { RouteChanges } from './route-changes.ts';
import { routePrelude } from './route-prelude.ts';

const liveScript = new RedisScript(`${routePrelude}
return live(KEYS[1])
`);

export class RedisPresence implements PresenceRegistry {
  readonly #link: RedisLink;
  readonly #changes: RouteChanges;

  constructor(link: RedisLink, clock: Pick<Clock, 'nowMs'>, limits: PresenceLimits = presenceLimits) {
    this.#link = link;
    this.#changes = new RouteChanges(link, () => clock.nowMs(), limits);
  }

  async connected(route: DeviceRoute): Promise<Result<PresenceChange, PresenceError>> {
    const result = await this.#changes.make('connected', route);
    return result.ok ? ok({ cameOnline: result.value === 1, wentOffline: false }) : away;
  }

  async disconnected(route: DeviceRoute): Promise<Result<PresenceChange, PresenceError>> {
    const result = await this.#changes.make('disconnected', route);
    return result.ok ? ok({ cameOnline: false, wentOffline: result.value === 2 }) : away;
  }

  async refresh(routes: readonly DeviceRoute[]): Promise<Result<void, PresenceError>> {
    const results = await Promise.all(routes.map((route) => this.#changes.make('refresh', route)));
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
}

const away = err<PresenceError>('STORE_AWAY');
