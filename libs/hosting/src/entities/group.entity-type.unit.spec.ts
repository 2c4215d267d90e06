// The group as the runtime meets it: topic, announcement and queries, in bytes.
import { internal, wire } from '@parley/protocol';
import { describe, expect, it } from 'vitest';
import { groupEntityType } from './group.entity-type.ts';

const tea = { type: 'group', tenant: 'acme', id: 'tea' };
const { decider, codec } = groupEntityType;
const policy = { membersMax: 10, largeFrom: 5, smallTo: 3 };
const created = {
  type: 'GroupCreated',
  sequence: 1,
  by: 'ann',
  atMs: 5,
  title: 'Tea',
  members: ['ann', 'bob', 'cat'],
  policy,
} as const;
const left = { type: 'MemberLeft', sequence: 2, atMs: 6, member: 'cat' } as const;
const group = [created, left].reduce(decider.evolve, decider.initialState(tea));
const ask = (fields: object, state = group) =>
  internal.QueryAnswer.decode(
    groupEntityType.query(state, internal.Query.encode({ tenant: 'acme', ...fields }).finish(), tea),
  );

describe('group entity type', () => {
  it('has a live topic and announces its head on it', () => {
    expect(groupEntityType.topic?.(tea)).toBe('live.acme.g.tea');
    const live = wire.Live.decode(codec.encodePayload(groupEntityType.announce?.(group)));
    expect(live).toMatchObject({ messages: [], heads: [{ conversation: 'g.tea', sequence: 2 }] });
  });

  it('shows each reader the log of their time', () => {
    const log = ask({ log: { reader: 'cat', from: 1 } }).log;
    expect(log).toMatchObject({ head: 2, spans: [{ from: 1, to: 2 }] });
    expect(log?.messages?.[0]?.system?.groupCreated).toMatchObject({
      title: 'Tea',
      members: created.members,
    });
    expect(ask({ log: { reader: 'eve' } }).error?.code).toBe('NOT_A_MEMBER');
  });

  it('lists members to members', () => {
    expect(ask({ members: { reader: 'ann', limit: 1 } }).members).toMatchObject({
      members: [{ user: 'ann', role: 3, joined: 1 }],
      count: 2,
      title: 'Tea',
      more: true,
    });
    expect(ask({ members: { reader: 'cat' } }).error?.code).toBe('NOT_A_MEMBER');
  });

  it('tells its head as far as the reader may know it', () => {
    expect(ask({ head: { reader: 'bob' } }).head).toMatchObject({ head: 2, isMember: true, diffusion: 1 });
    expect(ask({ head: { reader: 'eve' } }).head).toMatchObject({ head: 0, isMember: false });
  });

  it('answers with an error for a group that is not there, and for queries it does not know', () => {
    const nothing = decider.initialState(tea);
    for (const body of [{ log: {} }, { members: {} }, { head: {} }]) {
      expect(ask(body, nothing).error?.code).toBe('CONVERSATION_NOT_FOUND');
    }
    expect(ask({ account: {} }).error?.code).toBe('BAD_REQUEST');
  });
});
