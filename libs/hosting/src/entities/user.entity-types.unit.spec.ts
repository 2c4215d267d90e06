// Users and direct conversations as the runtime meets them: attach, nudge and queries, in bytes.
import { createUserDecider, userLimits } from '@parley/domain';
import { internal, wire } from '@parley/protocol';
import { describe, expect, it } from 'vitest';
import { directEntityType } from './direct.entity-type.ts';
import { createUserEntityType, userEntityType } from './user.entity-type.ts';

const ann = { type: 'user', tenant: 'acme', id: 'ann' };
const annAndBob = { type: 'direct', tenant: 'acme', id: 'ann.bob' };
const entry = (sequence: number) =>
  ({
    type: 'EntryAppended',
    conversation: 'd.ann.bob',
    sequence,
    sender: 'bob',
    atMs: 5,
    membership: 0,
    diffusion: 0,
    title: '',
  }) as const;
const limits = { ...userLimits, inboxCountMax: 3 };
const decider = createUserDecider(limits);
const small = createUserEntityType(limits);
const userWith = (count: number) =>
  Array.from({ length: count }, (_, index) => entry(index + 1)).reduce(
    decider.evolve,
    decider.initialState(ann),
  );
const hello = (inboxPosition: number) => wire.Hello.encode({ inboxPosition }).finish();
const frameOf = (bytes: Uint8Array | undefined) => wire.ServerFrame.decode(bytes ?? new Uint8Array());
const query = (fields: object) => internal.Query.encode({ tenant: 'acme', ...fields }).finish();
const answerOf = (bytes: Uint8Array) => internal.QueryAnswer.decode(bytes);

describe('user entity type', () => {
  it('welcomes a device with what the user entity knows', () => {
    const frame = frameOf(small.attach?.(userWith(3), hello(0), ann));
    expect(frame.requestId).toBe(0);
    expect(frame.welcome).toMatchObject({ tenant: 'acme', user: 'ann', inboxPosition: 3, limited: false });
    expect(frame.welcome?.conversations).toMatchObject([
      { conversation: 'd.ann.bob', head: 3, read: 0, unread: 3, diffusion: 1 },
    ]);
  });

  it('says limited when entries after the device’s position are gone', () => {
    expect(frameOf(small.attach?.(userWith(5), hello(1), ann)).welcome?.limited).toBe(true);
    expect(frameOf(small.attach?.(userWith(5), hello(2), ann)).welcome?.limited).toBe(false);
  });

  it('answers a position from the future with an error', () => {
    expect(frameOf(small.attach?.(userWith(2), hello(3), ann)).error?.code).toBe('SEQUENCE_FROM_FUTURE');
  });

  it('nudges with the newest position', () => {
    const state = userWith(2);
    expect(small.position?.(state)).toBe(2);
    const frame = frameOf(small.codec.encodePayload(small.nudge?.(state, 1)));
    expect(frame.syncNeeded).toMatchObject({ inboxPosition: 2 });
  });

  it('answers queries, and says so when it cannot', () => {
    const state = userWith(5);
    const inbox = answerOf(small.query(state, query({ inbox: { after: 3, limit: 1 } }), ann)).inbox;
    expect(inbox).toMatchObject({
      position: 5,
      entries: [{ position: 4, conversation: 'd.ann.bob', sequence: 4 }],
    });
    expect(answerOf(small.query(state, query({ inbox: { after: 0 } }), ann)).inbox?.limited).toBe(true);
    expect(answerOf(small.query(state, query({ inbox: { after: 9 } }), ann)).error?.code).toBe(
      'SEQUENCE_FROM_FUTURE',
    );
    expect(answerOf(small.query(state, query({ conversations: {} }), ann)).conversations).toMatchObject({
      position: 5,
    });
    expect(answerOf(small.query(state, query({ account: {} }), ann)).account?.exists).toBe(false);
    expect(answerOf(small.query(state, query({ members: {} }), ann)).error?.code).toBe('BAD_REQUEST');
    expect(() => small.query(state, Uint8Array.from([0xff]), ann)).toThrow();
  });

  it('is named user', () => {
    expect([userEntityType.name, directEntityType.name]).toEqual(['user', 'direct']);
  });
});

describe('direct entity type', () => {
  const posted = {
    type: 'MessagePosted',
    sequence: 1,
    sender: 'ann',
    clientMessageId: 'c1',
    atMs: 5,
    text: 'hi',
  } as const;
  const state = directEntityType.decider.evolve(directEntityType.decider.initialState(annAndBob), posted);

  it('shows its log to the two, and an error to others', () => {
    const log = answerOf(
      directEntityType.query(state, query({ log: { reader: 'bob', from: 1 } }), annAndBob),
    ).log;
    expect(log).toMatchObject({
      head: 1,
      messages: [{ sequence: 1, text: 'hi' }],
      spans: [{ from: 1, to: 0 }],
    });
    const refused = answerOf(directEntityType.query(state, query({ log: { reader: 'eve' } }), annAndBob));
    expect(refused.error?.code).toBe('NOT_A_MEMBER');
  });

  it('tells its head', () => {
    const head = answerOf(directEntityType.query(state, query({ head: { reader: 'bob' } }), annAndBob)).head;
    expect(head).toMatchObject({ head: 1, isMember: true, diffusion: 1, firstVisible: 1 });
  });
});
