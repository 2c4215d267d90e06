// Keys that forget, seals that open in one place only, and the twin of the vault.
import { randomBytes } from 'node:crypto';
import {
  KeyTree,
  MasterKeyMissing,
  MasterKeys,
  MemoryKeyVault,
  SealingKeys,
  TooManyErased,
  erasedMessagesMax,
  seal,
  sealHeadOf,
  unseal,
} from '@parley/adapters';
import { describe, expect, it } from 'vitest';
import { describeKeyVault } from './key-vault.contract.ts';

describeKeyVault('memory', () => Promise.resolve(new MemoryKeyVault()));

const ids = Array.from({ length: 200 }, (_, index) => `message-${index}`);
const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex');

describe('a key tree', () => {
  it('has a key of its own for each message, the same after it was stored', () => {
    const tree = KeyTree.random();
    const keys = ids.map((id) => hex(tree.keyOf(id)));
    expect(new Set(keys).size).toBe(ids.length);
    const stored = KeyTree.decode(tree.encode());
    expect(ids.map((id) => hex(stored.keyOf(id)))).toEqual(keys);
  });

  it('loses the keys that are taken out, in any order, and no others', () => {
    const whole = KeyTree.random();
    let tree = whole;
    const gone = ids.filter((_, index) => index % 3 === 0);
    for (const id of gone) tree = KeyTree.decode(tree.without(id)!.encode());
    for (const id of ids)
      expect(hex(tree.keyOf(id))).toBe(gone.includes(id) ? undefined : hex(whole.keyOf(id)));
    expect(tree.without(gone[0]!)).toBeUndefined();
  });

  it('has nothing left from which a lost key could be made: neither it nor a node above it', () => {
    const whole = KeyTree.random();
    const stored = hex(whole.without('message-7')!.encode())!;
    expect(stored).not.toContain(hex(whole.keyOf('message-7')));
    // The root is all there is in a whole tree.
    expect(stored).not.toContain(hex(whole.encode())!.slice(-64));
  });

  it('stays small enough for one record with the stated number of messages taken out', () => {
    let tree = KeyTree.random();
    for (let index = 0; index < erasedMessagesMax; index++) tree = tree.without(`m-${index}`) ?? tree;
    expect(tree.encode().length).toBeLessThan(700_000);
  });
});

describe('a seal', () => {
  const place = { tenant: 'acme', conversation: 'g.tea', user: 'ann' };
  const key = randomBytes(32);
  const head = { keyId: '0011223344556677', messageId: 'm-1' };
  const sealed = seal(Buffer.from('secret'), { place, head, key });

  it('opens where it was made, and says whose it is', () => {
    expect(sealHeadOf(sealed)).toEqual(head);
    expect(Buffer.from(unseal(sealed, { place, key })).toString()).toBe('secret');
    expect(Buffer.from(sealed).includes('secret')).toBe(false);
  });

  it('opens in no other place, with no other key, and not when any byte was changed', () => {
    for (const other of [{ tenant: 'b' }, { conversation: 'g.other' }, { user: 'ben' }])
      expect(() => unseal(sealed, { place: { ...place, ...other }, key })).toThrow();
    expect(() => unseal(sealed, { place, key: randomBytes(32) })).toThrow();
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      expect(() => unseal(changed, { place, key })).toThrow();
    }
  });

  it('has no head when it is cut or of an unknown version', () => {
    expect(sealHeadOf(sealed.subarray(0, 30))).toBeUndefined();
    expect(sealHeadOf(Buffer.concat([Buffer.of(9), sealed.subarray(1)]))).toBeUndefined();
    expect(sealHeadOf(new Uint8Array())).toBeUndefined();
  });
});

const [older, newer] = [randomBytes(32), randomBytes(32)].map((bytes) => bytes.toString('base64')) as [
  string,
  string,
];

const mastersOf = (...masterKeys: string[]) => MasterKeys.parse(JSON.stringify({ acme: { masterKeys } }));

describe('master keys', () => {
  it('are of the tenants in the file, which may have stopped sealing', () => {
    const masters = MasterKeys.parse(
      JSON.stringify({ acme: { masterKeys: [newer] }, old: { masterKeys: [older], isSealing: false } }),
    );
    expect(['acme', 'old', 'none'].map((tenant) => [masters.covers(tenant), masters.seals(tenant)])).toEqual([
      [true, true],
      [true, false],
      [false, false],
    ]);
  });

  it('are refused without showing any', () => {
    const short = randomBytes(16).toString('base64');
    for (const text of [
      `{"acme": "${newer}`,
      `["${newer}"]`,
      `{"a b": {"masterKeys": ["${newer}"]}}`,
      `{"acme": {"masterKeys": []}}`,
      `{"acme": {"masterKeys": ["${short}"]}}`,
      `{"acme": {"masterKeys": ["${newer}"], "isSealing": 1}}`,
      `{"acme": {"masterKeys": ["${newer}"], "keys": 1}}`,
    ]) {
      const refusal = (() => {
        try {
          return MasterKeys.parse(text);
        } catch (error) {
          return (error as Error).message;
        }
      })();
      expect(refusal).toMatch(/^sealing keys/);
      expect(refusal).not.toContain(newer.slice(0, 8));
    }
  });
});

describe('sealing keys', () => {
  const place = { tenant: 'acme', conversation: 'g.tea', user: 'ann' };
  const open = (vault = new MemoryKeyVault(), masters = mastersOf(newer)) => ({
    vault,
    keys: new SealingKeys(vault, masters),
  });

  it('are made once, however many make them at a time', async () => {
    const { vault, keys } = open();
    expect((await keys.load(place)).live).toBeUndefined();
    const others = new SealingKeys(vault, mastersOf(newer));
    const made = await Promise.all([keys, others, keys, others].map((each) => each.loadOrCreate(place)));
    expect(new Set(made.map(({ live }) => live?.id)).size).toBe(1);
    expect(hex((await keys.load(place)).live?.tree.keyOf('m'))).toBe(hex(made[0]!.live?.tree.keyOf('m')));
  });

  it('are remembered as destroyed, leave nothing of themselves, and are followed by new ones', async () => {
    const { vault, keys } = open();
    const { live } = await keys.loadOrCreate(place);
    expect([await keys.destroy(place), await keys.destroy(place)]).toEqual([true, false]);
    expect(await vault.olderValues('acme.ann.g.tea')).toBe(0);
    expect(await keys.load(place)).toEqual({ live: undefined, destroyed: new Set([live?.id]) });
    const next = await keys.loadOrCreate(place);
    expect(next.live?.id).not.toBe(live?.id);
    expect([...next.destroyed]).toEqual([live?.id]);
  });

  it('lose single messages, and finish what an interrupted erasure has left', async () => {
    const { vault, keys } = open();
    await keys.loadOrCreate(place);
    vault.eraseOlder = () => Promise.reject(new Error('away'));
    await expect(keys.destroyMessage(place, 'm-1')).rejects.toThrow('away');
    Reflect.deleteProperty(vault, 'eraseOlder');
    expect(await vault.olderValues('acme.ann.g.tea')).toBe(1);
    expect(await keys.destroyMessage(place, 'm-1')).toBe(false);
    expect(await vault.olderValues('acme.ann.g.tea')).toBe(0);
    const { live } = await keys.load(place);
    expect([live?.tree.keyOf('m-1'), live?.tree.keyOf('m-2')?.length]).toEqual([undefined, 32]);
  });

  it('say when there is no room for one more message, and can be destroyed as a whole then', async () => {
    const keys = new SealingKeys(new MemoryKeyVault(), mastersOf(newer), 8_000);
    await keys.loadOrCreate(place);
    const erased: string[] = [];
    const failed = await (async () => {
      for (const id of ids) if (await keys.destroyMessage(place, id)) erased.push(id);
    })().catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(TooManyErased);
    expect(erased.length).toBeGreaterThan(1);
    const { live } = await keys.load(place);
    expect(erased.map((id) => live?.tree.keyOf(id))).toEqual(erased.map(() => undefined));
    expect(await keys.destroy(place)).toBe(true);
  });

  it('are opened with older master keys until all are wrapped with the newest', async () => {
    const vault = new MemoryKeyVault();
    const before = open(vault, mastersOf(older)).keys;
    const first = await before.loadOrCreate(place);
    await before.loadOrCreate({ ...place, conversation: 'd.ann.ben' });
    const both = open(vault, mastersOf(newer, older)).keys;
    expect((await both.load(place)).live?.id).toBe(first.live?.id);
    await expect(open(vault, mastersOf(newer)).keys.load(place)).rejects.toThrow(MasterKeyMissing);
    expect([await both.rewrap('acme'), await both.rewrap('acme')]).toEqual([2, 0]);
    expect((await open(vault, mastersOf(newer)).keys.load(place)).live?.id).toBe(first.live?.id);
    expect(await both.conversationsOf('acme', 'ann')).toEqual(['g.tea', 'd.ann.ben']);
  });
});
