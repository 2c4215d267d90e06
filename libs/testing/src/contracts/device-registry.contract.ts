// What every DeviceRegistry does.
import type { DeviceRegistry } from '@parley/adapters';
import { ok } from '@parley/std';
import { beforeEach, describe, expect, it } from 'vitest';

export function describeDeviceRegistry(name: string, create: () => Promise<DeviceRegistry>): void {
  describe(`DeviceRegistry: ${name}`, () => {
    let registry: DeviceRegistry;
    beforeEach(async () => {
      registry = await create();
    });
    const phone = { device: 'phone', deviceClass: 1, lastSeenMs: 5 };
    const desktop = { device: 'desktop', deviceClass: 2, lastSeenMs: 7 };

    it('lists the devices of a user, the one seen last first, until they are forgotten', async () => {
      for (const device of [phone, desktop]) await registry.seen('acme', 'ann', device);
      await registry.seen('acme', 'bob', { ...phone, lastSeenMs: 99 });
      expect(await registry.list('acme', 'ann')).toEqual(ok([desktop, phone]));
      await registry.seen('acme', 'ann', { ...phone, lastSeenMs: 9 });
      expect(await registry.list('acme', 'ann')).toEqual(ok([{ ...phone, lastSeenMs: 9 }, desktop]));
      await registry.forget('acme', 'ann', 'phone');
      expect(await registry.list('acme', 'ann')).toEqual(ok([desktop]));
    });

    it('keeps the newest when there are too many', async () => {
      for (let n = 1; n <= 51; n++)
        await registry.seen('acme', 'ann', { ...phone, device: `d${n}`, lastSeenMs: n });
      const listed = await registry.list('acme', 'ann');
      expect(listed.ok && [listed.value.length, listed.value.at(-1)?.device]).toEqual([50, 'd2']);
    });
  });
}
