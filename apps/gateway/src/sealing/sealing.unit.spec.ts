// Sealing in a gateway: what leaves it, what comes back, and what happens when keys are gone, elsewhere, or away.
import { randomBytes } from 'node:crypto';
import { MasterKeys, MemoryKeyVault, SealingKeys } from '@parley/adapters';
import { wire } from '@parley/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Message, sealOf } from './sealed-message.ts';
import { Sealing } from './sealing.ts';

const masterKeys = [randomBytes(32).toString('base64')];
const masters = MasterKeys.parse(JSON.stringify({ acme: { masterKeys } }));
const place = { tenant: 'acme', user: 'ann', conversation: 'g.tea' };
const limits = { keysMax: 100, keyAgeMaxMs: 60_000, textBytesMax: 100, questionsAtOnceMax: 4 };

let vault: MemoryKeyVault;
let keys: SealingKeys;
let nowMs: number;
let complaints: string[];
let published: string[];

/** What each gateway has subscribed to. */
let heard: (() => void)[];

function gateway(): Sealing {
  const sealing = new Sealing({
    keys: new SealingKeys(vault, masters),
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs, after: () => ({ cancel: () => undefined }) },
    messenger: {
      publish: (subject) => void published.push(subject),
      subscribe: (_, onMessage) => {
        heard.push(() => onMessage(new Uint8Array(), () => undefined, ''));
        return { stop: () => undefined };
      },
    },
    limits,
    log: { error: (_, text) => void complaints.push(text) },
  });
  sealing.start();
  return sealing;
}

beforeEach(() => {
  vault = new MemoryKeyVault();
  keys = new SealingKeys(vault, masters);
  nowMs = 1_000;
  [complaints, published, heard] = [[], [], []];
});

async function messageOf(sealing: Sealing, id: string, text: string, more: object = {}): Promise<Message> {
  const sealed = await sealing.seal({ text, rich: more }, place, id);
  if (!sealed.ok) throw new Error(sealed.error.code);
  const { content } = sealed.value;
  return { conversation: 'g.tea', sequence: 1, sender: 'ann', clientMessageId: id, sentAtMs: 5, ...content };
}

const read = async (sealing: Sealing, ...messages: Message[]) => {
  const open = await sealing.open('acme', messages);
  return open.ok ? open.value.map(({ text, isErased }) => (isErased ? 'ERASED' : text)) : open.error;
};

describe('what is sealed', () => {
  it('is text and attachment; whom it is about stays for the rules', async () => {
    const image = { ref: 'https://media/7', mimeType: 'image/png' };
    const writer = gateway();
    const message = await messageOf(writer, 'm-1', 'secret', {
      image,
      mentions: ['ben'],
      replyTo: { sequence: 4 },
    });
    const bytes = Buffer.from(wire.Message.encode(message).finish());
    expect([bytes.includes('secret'), bytes.includes('media')]).toEqual([false, false]);
    expect(message).toMatchObject({ text: '', rich: { mentions: ['ben'], replyTo: { sequence: 4 } } });
    const open = await gateway().open('acme', [message]);
    expect(open).toMatchObject({
      ok: true,
      value: [{ text: 'secret', rich: { image, mentions: ['ben'], replyTo: { sequence: 4 } } }],
    });
  });

  it('keeps to the rules that entities would have kept', async () => {
    const writer = gateway();
    const codeOf = async (text: string, rich: object) => {
      const sealed = await writer.seal({ text, rich }, place, 'm-1');
      return sealed.ok ? 'sealed' : sealed.error.code;
    };
    expect(await codeOf('', {})).toBe('TEXT_EMPTY');
    expect(await codeOf('x'.repeat(101), {})).toBe('TEXT_TOO_LARGE');
    expect(await codeOf('', { image: { ref: '' } })).toBe('BAD_CONTENT');
    expect(await codeOf('', { custom: { type: 't', payload: 'x'.repeat(20_000) } })).toBe(
      'CONTENT_TOO_LARGE',
    );
    expect(await codeOf('', { sticker: { id: 's' } })).toBe('sealed');
  });

  it('cannot be shown as another message, of another person or in another conversation', async () => {
    const writer = gateway();
    const message = await messageOf(writer, 'm-1', 'secret');
    await messageOf(writer, 'm-2', 'other');
    const benKey = { ...place, user: 'ben' };
    await keys.loadOrCreate(benKey);
    const moved = [{ clientMessageId: 'm-2' }, { sender: 'ben' }, { conversation: 'g.other' }];
    for (const change of moved) expect(await read(gateway(), { ...message, ...change })).toEqual(['ERASED']);
    expect(complaints).toHaveLength(moved.length);
  });
});

describe('a destroyed key', () => {
  it('of a message takes that message and its edits, and refuses new ones', async () => {
    const [writer, reader] = [gateway(), gateway()];
    const [one, two] = [await messageOf(writer, 'm-1', 'one'), await messageOf(writer, 'm-2', 'two')];
    const edit: Message = { ...one, clientMessageId: 'm-9', text: undefined, rich: undefined };
    edit.edited = { sequence: 1, text: '', rich: (await messageOf(writer, 'm-1', 'edited')).rich! };
    expect((await reader.open('acme', [edit])).ok && sealOf(edit)).toBeTruthy();
    await keys.destroyMessage(place, 'm-1');
    for (const drop of heard) drop();
    expect(await read(reader, one, two)).toEqual(['ERASED', 'two']);
    const shown = await reader.open('acme', [edit]);
    expect(shown).toMatchObject({ ok: true, value: [{ isErased: true, edited: { sequence: 1, text: '' } }] });
    expect(await writer.seal({ text: 'again' }, place, 'm-1')).toMatchObject({
      error: { code: 'MESSAGE_NOT_FOUND' },
    });
    expect(complaints).toEqual([]);
  });

  it('is forgotten by gateways that were told, and by all others when it is too old', async () => {
    const [writer, deaf] = [gateway(), gateway()];
    const message = await messageOf(writer, 'm-1', 'secret');
    expect(await read(deaf, message)).toEqual(['secret']);
    await keys.destroy(place);
    writer.announceDestruction('acme');
    expect(published).toEqual(['key.acme']);
    expect(await read(writer, message)).toEqual(['ERASED']);
    expect(await read(deaf, message)).toEqual(['secret']);
    nowMs += limits.keyAgeMaxMs + 1;
    expect(await read(deaf, message)).toEqual(['ERASED']);
  });

  it('is followed by a new one, which a gateway reads that knows only the old', async () => {
    const [writer, reader] = [gateway(), gateway()];
    const old = await messageOf(writer, 'm-1', 'old');
    expect(await read(reader, old)).toEqual(['old']);
    await keys.destroy(place);
    writer.announceDestruction('acme');
    const fresh = await messageOf(writer, 'm-2', 'fresh');
    expect(await read(reader, old, fresh)).toEqual(['ERASED', 'fresh']);
  });

  it('that was read while it was destroyed is not kept', async () => {
    const writer = gateway();
    const message = await messageOf(writer, 'm-1', 'secret');
    const reader = gateway();
    const reading = read(reader, message);
    await keys.destroy(place);
    reader.announceDestruction('acme');
    await reading;
    expect(await read(reader, message)).toEqual(['ERASED']);
  });
});

describe('a vault that is away', () => {
  it('lets nothing be written in the clear, and shows nothing as erased', async () => {
    const message = await messageOf(gateway(), 'm-1', 'secret');
    vault.isAway = true;
    const cold = gateway();
    expect(await cold.seal({ text: 'x' }, place, 'm-2')).toMatchObject({ error: { code: 'UNAVAILABLE' } });
    expect(await read(cold, message)).toBe('UNAVAILABLE');
    const entry = wire.Entry.encode({ message }).finish();
    expect(await cold.openEntry('acme', entry)).toBeUndefined();
    vault.isAway = false;
    const opened = await cold.openEntry('acme', entry);
    expect(wire.Entry.decode(opened!).message?.text).toBe('secret');
    expect(cold.openEntry('acme', entry)).toBeInstanceOf(Uint8Array);
  });
});
