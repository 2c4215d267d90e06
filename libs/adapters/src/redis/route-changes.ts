// Changes of routes on their way to Redis: those that come while a call is under way wait and leave in the next one, all in
// one run of a script, in order. A storm of clients then costs a call for many of them, and a lone one waits for nothing.
import type { Result } from '@parley/std';
import { redisKeys } from '@parley/protocol';
import { err, ok } from '@parley/std';
import type { DeviceRoute, PresenceLimits } from '../ports/presence-registry.ts';
import type { RedisLink } from './redis-link.ts';
import { RedisScript, type ScriptArgument } from './redis-script.ts';
import { routePrelude } from './route-prelude.ts';

export type RouteChange = 'connected' | 'refresh' | 'disconnected';

interface Waiting {
  readonly change: RouteChange;
  readonly route: DeviceRoute;
  readonly resolve: (outcome: Result<number, 'REDIS_AWAY'>) => void;
}

/** Some 2 ms of Redis, which does nothing else meanwhile. */
const changesPerCallMax = 250;
/** Further ones fail at once, as if Redis were away: routes are told again with the next refresh. */
const changesWaitingMax = 50_000;

// KEYS: routes and last seen of each user. ARGV: route TTL, now by the gateway, TTL of last seen; then for each change what
// it is, device, gateway, connection. The same call tells when users were last seen.
// Answers: connected 1 when the first device came; disconnected 0: it was not this connection's, 1: the user has other
// devices, 2: that was the last one. A refresh leaves a device alone that has a newer connection elsewhere.
const changeScript = new RedisScript(`${routePrelude}
local changes = {}
function changes.connected(routes, device, gateway, connection)
  local before = #live(routes)
  hold(routes, device, gateway, connection, tonumber(ARGV[1]))
  return before == 0 and 1 or 0
end
function changes.refresh(routes, device, gateway, connection)
  local rows = live(routes)
  for i = 1, #rows, 3 do
    if rows[i] == device and rows[i + 2] ~= connection then return 0 end
  end
  hold(routes, device, gateway, connection, tonumber(ARGV[1]))
  return 1
end
function changes.disconnected(routes, device, gateway, connection)
  local rows = live(routes)
  for i = 1, #rows, 3 do
    if rows[i] == device and rows[i + 1] == gateway and rows[i + 2] == connection then
      redis.call('HDEL', routes, device)
      return #rows == 3 and 2 or 1
    end
  end
  return 0
end
local answers = {}
for i = 1, #KEYS / 2 do
  redis.call('SET', KEYS[2 * i], ARGV[2], 'PX', ARGV[3])
  local at = 4 * i
  answers[i] = changes[ARGV[at]](KEYS[2 * i - 1], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
end
return answers
`);

export class RouteChanges {
  readonly #link: RedisLink;
  readonly #nowMs: () => number;
  readonly #limits: PresenceLimits;
  #waiting: Waiting[] = [];
  #isCalling = false;

  constructor(link: RedisLink, nowMs: () => number, limits: PresenceLimits) {
    this.#link = link;
    this.#nowMs = nowMs;
    this.#limits = limits;
  }

  make(change: RouteChange, route: DeviceRoute): Promise<Result<number, 'REDIS_AWAY'>> {
    if (this.#waiting.length >= changesWaitingMax) return Promise.resolve(err('REDIS_AWAY'));
    return new Promise((resolve) => {
      this.#waiting.push({ change, route, resolve });
      if (this.#waiting.length === 1 && !this.#isCalling) queueMicrotask(() => void this.#callAll());
    });
  }

  async #callAll(): Promise<void> {
    if (this.#isCalling) return;
    this.#isCalling = true;
    while (this.#waiting.length > 0) await this.#call(this.#waiting.splice(0, changesPerCallMax));
    this.#isCalling = false;
  }

  async #call(changes: readonly Waiting[]): Promise<void> {
    const keys: string[] = [];
    const { routeTtlMs, lastSeenTtlMs } = this.#limits;
    const args: ScriptArgument[] = [routeTtlMs, this.#nowMs(), lastSeenTtlMs];
    for (const { change, route } of changes) {
      keys.push(redisKeys.routes(route.tenant, route.user), redisKeys.lastSeen(route.tenant, route.user));
      args.push(change, route.device, route.gateway, route.connection);
    }
    const answers = await this.#link.call((redis) => changeScript.run(redis, keys, args));
    changes.forEach(({ resolve }, index) =>
      resolve(answers.ok ? ok((answers.value as number[])[index]!) : err('REDIS_AWAY')),
    );
  }
}
