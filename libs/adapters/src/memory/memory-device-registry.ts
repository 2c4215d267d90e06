// A device registry in this process: the twin of RedisDeviceRegistry.
import { type Result, ok } from '@parley/std';
import { type DeviceRegistry, type DeviceRegistryError, type DeviceSeen } from '../ports/device-registry.ts';
import { deviceRegistryLimits, latestFirst } from '../ports/device-registry.ts';

export class MemoryDeviceRegistry implements DeviceRegistry {
  readonly #users = new Map<string, Map<string, DeviceSeen>>();

  seen(tenant: string, user: string, device: DeviceSeen): Promise<Result<void, DeviceRegistryError>> {
    const devices = this.#of(tenant, user).set(device.device, device);
    const all = latestFirst([...devices.values()]);
    for (const { device: oldest } of all.slice(deviceRegistryLimits.devicesMax)) devices.delete(oldest);
    return Promise.resolve(ok(undefined));
  }

  forget(tenant: string, user: string, device: string): Promise<Result<void, DeviceRegistryError>> {
    this.#of(tenant, user).delete(device);
    return Promise.resolve(ok(undefined));
  }

  list(tenant: string, user: string): Promise<Result<readonly DeviceSeen[], DeviceRegistryError>> {
    return Promise.resolve(ok(latestFirst([...this.#of(tenant, user).values()])));
  }

  #of(tenant: string, user: string): Map<string, DeviceSeen> {
    const key = `${tenant}/${user}`;
    const devices = this.#users.get(key) ?? new Map<string, DeviceSeen>();
    this.#users.set(key, devices);
    return devices;
  }
}
