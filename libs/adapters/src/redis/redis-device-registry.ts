// A device registry in Redis: a hash a user, device → `<class> <last seen>`.
import { redisKeys } from '@parley/protocol';
import { type Result, err, ok } from '@parley/std';
import { type DeviceRegistry, type DeviceRegistryError, type DeviceSeen } from '../ports/device-registry.ts';
import { deviceRegistryLimits, latestFirst } from '../ports/device-registry.ts';
import type { RedisLink } from './redis-link.ts';

export class RedisDeviceRegistry implements DeviceRegistry {
  readonly #link: RedisLink;

  constructor(link: RedisLink) {
    this.#link = link;
  }

  async seen(tenant: string, user: string, seen: DeviceSeen): Promise<Result<void, DeviceRegistryError>> {
    const key = redisKeys.devices(tenant, user);
    const { device, deviceClass, lastSeenMs } = seen;
    const count = await this.#link.call(async (redis) => {
      const [, , length] = await Promise.all([
        redis.hset(key, device, `${deviceClass} ${lastSeenMs}`),
        redis.pexpire(key, deviceRegistryLimits.keptMs),
        redis.hlen(key),
      ]);
      return length;
    });
    if (!count.ok) return away;
    return count.value > deviceRegistryLimits.devicesMax ? this.#forgetOldest(tenant, user) : ok(undefined);
  }

  async forget(tenant: string, user: string, device: string): Promise<Result<void, DeviceRegistryError>> {
    const key = redisKeys.devices(tenant, user);
    const forgotten = await this.#link.call((redis) => redis.hdel(key, device));
    return forgotten.ok ? ok(undefined) : away;
  }

  async list(tenant: string, user: string): Promise<Result<readonly DeviceSeen[], DeviceRegistryError>> {
    const found = await this.#link.call((redis) => redis.hgetall(redisKeys.devices(tenant, user)));
    if (!found.ok) return away;
    const devices = Object.entries(found.value).map(([device, value]) => {
      const [deviceClass, lastSeenMs] = value.split(' ');
      return { device, deviceClass: Number(deviceClass), lastSeenMs: Number(lastSeenMs) };
    });
    return ok(latestFirst(devices));
  }

  async #forgetOldest(tenant: string, user: string): Promise<Result<void, DeviceRegistryError>> {
    const devices = await this.list(tenant, user);
    const oldest = devices.ok ? devices.value.slice(deviceRegistryLimits.devicesMax) : [];
    for (const { device } of oldest) await this.forget(tenant, user, device);
    return ok(undefined);
  }
}

const away = err<DeviceRegistryError>('STORE_AWAY');
