// What every PresenceRegistry does.
import type { DeviceRoute, PresenceLimits, PresenceRegistry } from '@parley/adapters';
import { beforeEach, describe, expect, it } from 'vitest';
import { waitUntil } from '../servers/wait-until.ts';

const limits: PresenceLimits = { routeTtlMs: 60_000, refreshMs: 15_000, lastSeenTtlMs: 600_000 };
const phone: DeviceRoute = {
  tenant: 'acme',
  user: 'alice',
  device: 'phone',
  gateway: 'gw1',
  connection: 'c1',
};
const laptop: DeviceRoute = { ...phone, device: 'laptop', gateway: 'gw2', connection: 'c2' };
const nothing = { cameOnline: false, wentOffline: false };

export function describePresenceRegistry(
  name: string,
  create: (limits: PresenceLimits) => Promise<PresenceRegistry>,
): void {
  describe(`PresenceRegistry: ${name}`, () => {
    let registry: PresenceRegistry;
    beforeEach(async () => {
      registry = await create(limits);
    });

    const isOnline = async (user: string, of = registry) => {
      const result = await of.query('acme', [user]);
      return result.ok && result.value[0]!.online;
    };
    const devicesOf = async (user: string) => {
      const result = await registry.routesOf('acme', user);
      return result.ok
        ? [...result.value].sort((one, other) => (one.device < other.device ? -1 : 1))
        : result;
    };

    it('says when the first device comes and when the last one goes', async () => {
      expect(await registry.connected(phone)).toEqual({ ok: true, value: { ...nothing, cameOnline: true } });
      expect(await registry.connected(laptop)).toEqual({ ok: true, value: nothing });
      expect(await devicesOf('alice')).toEqual([laptop, phone]);
      expect(await registry.disconnected(phone)).toEqual({ ok: true, value: nothing });
      expect(await isOnline('alice')).toBe(true);
      expect(await registry.disconnected(laptop)).toEqual({
        ok: true,
        value: { ...nothing, wentOffline: true },
      });
      expect(await isOnline('alice')).toBe(false);
      expect(await devicesOf('alice')).toEqual([]);
    });

    it('keeps the newer connection of a device when the older one closes late', async () => {
      await registry.connected(phone);
      const again = { ...phone, gateway: 'gw3', connection: 'c9' };
      expect(await registry.connected(again)).toEqual({ ok: true, value: nothing });
      expect(await registry.disconnected(phone)).toEqual({ ok: true, value: nothing });
      expect(await devicesOf('alice')).toEqual([again]);
    });

    it('keeps the newer connection when the older one is refreshed late', async () => {
      await registry.connected(phone);
      const again = { ...phone, gateway: 'gw3', connection: 'c9' };
      await registry.connected(again);
      await registry.refresh([phone]);
      expect(await devicesOf('alice')).toEqual([again]);
    });

    it('answers for many users at once, in the order asked', async () => {
      await registry.connected(phone);
      const result = await registry.query('acme', ['nobody', 'alice', 'nobody']);
      expect(result.ok && result.value.map(({ user, online }) => [user, online])).toEqual([
        ['nobody', false],
        ['alice', true],
        ['nobody', false],
      ]);
    });

    it('remembers when somebody was last seen, and nothing of who never came', async () => {
      const before = Date.now();
      await registry.connected(phone);
      await registry.disconnected(phone);
      const result = await registry.query('acme', ['alice', 'nobody']);
      expect(result.ok && result.value[0]!.lastSeenMs).toBeGreaterThanOrEqual(before);
      expect(result.ok && result.value[1]).toEqual({ user: 'nobody', online: false, lastSeenMs: 0 });
    });

    it('keeps tenants apart', async () => {
      await registry.connected(phone);
      const result = await registry.query('other', ['alice']);
      expect(result.ok && result.value[0]).toEqual({ user: 'alice', online: false, lastSeenMs: 0 });
    });

    it('forgets a device that nobody refreshes, and says so by the next one coming online', async () => {
      const short = await create({ ...limits, routeTtlMs: 200 });
      await short.connected(phone);
      expect(await isOnline('alice', short)).toBe(true);
      await waitUntil(async () => !(await isOnline('alice', short)), { what: 'the route to expire' });
      expect(await short.connected(laptop)).toEqual({ ok: true, value: { ...nothing, cameOnline: true } });
    });

    it('expires each device of a user for itself', async () => {
      const short = await create({ ...limits, routeTtlMs: 300 });
      await short.connected(phone);
      await short.connected(laptop);
      const left = await waitUntil(
        async () => {
          await short.refresh([laptop]);
          const result = await short.routesOf('acme', 'alice');
          return result.ok && result.value.length < 2 && result.value;
        },
        { what: 'the phone to expire while the laptop is refreshed' },
      );
      expect(left).toEqual([laptop]);
    });

    it('learns of devices by a refresh alone, as after the store lost everything', async () => {
      expect(await registry.refresh([phone, laptop])).toEqual({ ok: true, value: undefined });
      expect(await devicesOf('alice')).toEqual([laptop, phone]);
    });
  });
}
