// The rules of contacts and blocks, and what direct conversations make of a block.
import {
  type ChangeRelation,
  Contact,
  type NotePeerRelation,
  type Relation,
  RelationAction,
  type UserEvent,
  WhoMayWrite,
  createUserDecider,
  directDecider,
  inboxPage,
  profileOf,
  receptionOf,
  relationPage,
  userDecider,
  userLimits,
} from '@parley/domain';
import { directCodec, userCodec } from '@parley/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decidesAs } from './decides-as.ts';
import { DomainWorld } from './domain-world.ts';

const address = { type: 'user', tenant: 'acme', id: 'ann' };
const asJournaled = (event: UserEvent) => userCodec.decodeEvent(userCodec.encodeEvent(event));
const spec = decidesAs(userDecider, { address, nowMs: 1_000, asJournaled });

const change = (action: RelationAction, more: Partial<ChangeRelation> = {}): ChangeRelation => ({
  type: 'ChangeRelation',
  user: 'bob',
  action,
  message: '',
  remark: '',
  tags: [],
  ...more,
});
const told = (action: RelationAction, requestMs = 1_000, message = ''): NotePeerRelation => ({
  type: 'NotePeerRelation',
  peer: 'bob',
  action,
  message,
  requestMs,
});
const relation = (more: Partial<Relation> = {}): Relation => ({
  type: 'Relation',
  user: 'bob',
  contact: Contact.NONE,
  isBlocked: false,
  message: '',
  remark: '',
  tags: [],
  sinceMs: 0,
  ...more,
});
const changed = (action: RelationAction, value: Partial<Relation>, requestMs = 0, isByPeer = false) =>
  ({ type: 'RelationChanged', action, isByPeer, relation: relation(value), requestMs }) as const;
const pushed = (position: number, value: Partial<Relation>) =>
  ({ kind: 'push', position, payload: { type: 'Personal', change: relation(value) } }) as const;
const peerTold = (action: RelationAction, requestMs: number, message = '') =>
  ({
    kind: 'tell',
    type: 'user',
    ids: ['bob'],
    command: { type: 'NotePeerRelation', peer: 'ann', action, message, requestMs },
  }) as const;
const directTold = (refusal: number) =>
  ({
    kind: 'tell',
    type: 'direct',
    ids: ['ann.bob'],
    command: { type: 'SetRefusal', user: 'ann', refusal },
  }) as const;

const { ACCEPT, BLOCK, DESCRIBE, REFUSE, REMOVE, REQUEST, UNBLOCK } = RelationAction;
const blocked = changed(BLOCK, { isBlocked: true });
const requested = changed(REQUEST, { contact: Contact.REQUESTED, message: 'tea?', sinceMs: 1_000 }, 1_000);
const asked = changed(REQUEST, { contact: Contact.ASKED, message: 'tea?', sinceMs: 900 }, 900, true);

describe('user: blocks', () => {
  it('is an entry of the own inbox, and the direct conversation of the two hears of it', () => {
    spec
      .given()
      .when(change(BLOCK))
      .thenEvents(blocked)
      .thenEffects(pushed(1, { isBlocked: true }), directTold(1));
    spec.given(blocked).when(change(BLOCK)).thenNothing();
    spec
      .given(blocked)
      .when(change(UNBLOCK))
      .thenEvents(changed(UNBLOCK, {}))
      .thenEffects(pushed(2, {}), directTold(0));
    spec.given().when(change(UNBLOCK)).thenNothing();
  });

  it('refuses a request that waits, and every later one', () => {
    const refused = changed(REFUSE, { sinceMs: 1_000 }, 900);
    const thenBlocked = changed(BLOCK, { isBlocked: true, sinceMs: 1_000 });
    spec.given(asked).when(change(BLOCK)).thenEvents(refused, thenBlocked);
    spec
      .given(blocked)
      .when(told(REQUEST, 950))
      .thenEvents(changed(REFUSE, { isBlocked: true }, 950))
      .thenEffects(pushed(2, { isBlocked: true }), peerTold(REFUSE, 950));
    spec.given(blocked).when(change(REQUEST)).thenRefused('BLOCKED');
  });

  it('has a maximum, and nobody blocks themself', () => {
    const narrow = decidesAs(createUserDecider({ ...userLimits, blockedMax: 1 }), { address, nowMs: 1_000 });
    narrow
      .given(blocked)
      .when(change(BLOCK, { user: 'cat' }))
      .thenRefused('LIMIT_REACHED');
    spec
      .given()
      .when(change(BLOCK, { user: 'ann' }))
      .thenRefused('BAD_REQUEST');
  });
});

describe('direct: a refusal', () => {
  const inDirect = decidesAs(directDecider, {
    address: { type: 'direct', tenant: 'acme', id: 'ann.bob' },
    nowMs: 1_000,
    asJournaled: (event) => directCodec.decodeEvent(directCodec.encodeEvent(event)),
  });
  const post = (sender: string, clientMessageId = 'c-1') =>
    ({ type: 'PostMessage', sender, clientMessageId, text: 'hi', afterClientMessageId: '' }) as const;
  const posted = {
    type: 'MessagePosted',
    sequence: 1,
    sender: 'bob',
    clientMessageId: 'c-1',
    atMs: 900,
    text: 'hi',
  } as const;
  const set = { type: 'RefusalSet', user: 'ann', refusal: 1 } as const;
  const window = { ownMs: 1_000, managerMs: 0 };

  it('is told by the user entity, once', () => {
    const command = { type: 'SetRefusal', user: 'ann', refusal: 1 } as const;
    inDirect.given().when(command).thenEvents(set).thenEffects();
    inDirect.given(set).when(command).thenNothing();
  });

  it('stops messages of the other one and new texts of old ones, but not the repeated answer of an old send', () => {
    inDirect.given(posted, set).when(post('bob', 'c-2')).thenRefused('BLOCKED');
    inDirect
      .given(set, { ...set, refusal: 2 })
      .when(post('bob'))
      .thenRefused('NOT_ACCEPTED');
    const change = { sender: 'bob', clientMessageId: 'c-3', sequence: 1, window } as const;
    inDirect
      .given(posted, set)
      .when({ type: 'EditMessage', ...change, text: 'psst', mentions: [], mentionsAll: false })
      .thenRefused('BLOCKED');
    const { state } = inDirect.given(posted, set).when(post('bob')).thenNothing();
    expect(state.log.head).toBe(1);
  });

  it('lets its owner write, lets what was written be taken back, and ends', () => {
    inDirect
      .given(set)
      .when(post('ann'))
      .thenEvents({ ...posted, sender: 'ann', atMs: 1_000 });
    const recall = {
      type: 'RecallMessage',
      sender: 'bob',
      clientMessageId: 'c-3',
      sequence: 1,
      window,
    } as const;
    expect(inDirect.given(posted, set).when(recall).state.log.head).toBe(2);
    inDirect
      .given(set, { ...set, refusal: 0 })
      .when(post('bob'))
      .thenEvents({ ...posted, atMs: 1_000 });
  });
});

describe('user: contacts', () => {
  it('a request waits at both, and its answer makes or ends it', () => {
    const wish = { contact: Contact.REQUESTED, message: 'tea?', sinceMs: 1_000 } as const;
    spec
      .given()
      .when(change(REQUEST, { message: 'tea?' }))
      .thenEvents(requested)
      .thenEffects(pushed(1, wish), peerTold(REQUEST, 1_000, 'tea?'));
    spec
      .given()
      .when(told(REQUEST, 900, 'tea?'))
      .thenEvents(asked);
    const accepted = { contact: Contact.ACCEPTED, sinceMs: 1_000 } as const;
    spec
      .given(asked)
      .when(change(ACCEPT))
      .thenEvents(changed(ACCEPT, accepted, 900))
      .thenEffects(pushed(2, accepted), peerTold(ACCEPT, 900));
    spec
      .given(requested)
      .when(told(ACCEPT))
      .thenEvents(changed(ACCEPT, accepted, 1_000, true))
      .thenEffects(pushed(2, accepted));
    spec
      .given(requested)
      .when(told(REFUSE))
      .thenEvents(changed(REFUSE, { sinceMs: 1_000 }, 1_000, true));
  });

  it('an answer to an earlier request of the same person is passed by', () => {
    spec.given(requested).when(told(ACCEPT, 999)).thenNothing();
    spec.given(requested).when(told(REFUSE, 999)).thenNothing();
    spec.given().when(change(ACCEPT)).thenRefused('REQUEST_NOT_FOUND');
    spec.given(requested).when(change(REQUEST)).thenNothing();
  });

  it('a person has a name and tags of the own choice; a relation that says nothing is forgotten', () => {
    const described = changed(DESCRIBE, { remark: 'Bobby', tags: ['work'] });
    spec
      .given()
      .when(change(DESCRIBE, { remark: 'Bobby', tags: ['work'] }))
      .thenEvents(described);
    spec
      .given(described)
      .when(change(DESCRIBE, { remark: 'Bobby', tags: ['work'] }))
      .thenNothing();
    const { state } = spec.given(described).when(change(DESCRIBE)).thenEvents(changed(DESCRIBE, {}));
    expect(state.personal.relations.size).toBe(0);
  });

  it('requests beyond the maximum are refused, both ways', () => {
    const narrow = decidesAs(createUserDecider({ ...userLimits, contactsMax: 1 }), { address, nowMs: 1_000 });
    narrow
      .given(requested)
      .when(change(REQUEST, { user: 'cat' }))
      .thenRefused('LIMIT_REACHED');
    narrow
      .given(requested)
      .when({ ...told(REQUEST, 900), peer: 'cat' })
      .thenEvents(changed(REFUSE, { user: 'cat' }, 900));
  });

  it('pages are by id and kind; entries carry the whole value, and snapshots keep it', () => {
    const { state } = spec
      .given(requested, { ...blocked, relation: relation({ user: 'cat', isBlocked: true }) })
      .when(change(DESCRIBE, { user: 'abe', remark: 'x' }));
    const restored = userCodec.decodeSnapshot(userCodec.encodeSnapshot(state), address);
    const users = (kind: number, after = '', limit = 0) =>
      relationPage(restored, { kind, after, limit }).relations.map(({ user }) => user);
    expect(users(0)).toEqual(['abe', 'bob', 'cat']);
    expect(users(0, 'abe', 1)).toEqual(['bob']);
    expect(users(2)).toEqual(['bob']);
    expect(users(4)).toEqual(['cat']);
    const page = inboxPage(restored, { after: 0, limit: 1 });
    expect(page.ok && page.value.entries[0]?.entry).toEqual({
      conversation: '',
      sequence: 0,
      change: { kind: 'personal', change: requested.relation },
    });
  });

  it('both halves fit when nothing is under way, whatever crossed', () => {
    const actions = [REQUEST, ACCEPT, REFUSE, REMOVE, BLOCK, UNBLOCK];
    const step = fc.oneof(
      fc.record({ by: fc.constantFrom('ann', 'bob'), action: fc.constantFrom(...actions) }),
      fc.record({ deliver: fc.nat({ max: 7 }) }),
    );
    const contactOf = (world: DomainWorld, user: string, peer: string) =>
      world.user(user).personal.relations.get(peer)?.contact ?? Contact.NONE;
    const mirrored = new Map<number, number>([
      [Contact.NONE, Contact.NONE],
      [Contact.REQUESTED, Contact.ASKED],
      [Contact.ASKED, Contact.REQUESTED],
      [Contact.ACCEPTED, Contact.ACCEPTED],
    ]);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = new DomainWorld();
        for (const each of steps) {
          world.nowMs++;
          if ('deliver' in each) world.deliverOne(each.deliver);
          else
            world.command('user', each.by, change(each.action, { user: each.by === 'ann' ? 'bob' : 'ann' }));
        }
        world.nowMs++;
        world.settle();
        expect(contactOf(world, 'ann', 'bob')).toBe(mirrored.get(contactOf(world, 'bob', 'ann')));
        const { first, second } = world.direct('ann.bob').refusals;
        const isBlocked = (user: string, peer: string) =>
          world.user(user).personal.relations.get(peer)?.isBlocked === true;
        expect([first, second]).toEqual([isBlocked('ann', 'bob') ? 1 : 0, isBlocked('bob', 'ann') ? 1 : 0]);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('user: who may write', () => {
  const entry = (conversation: string, sender: string, more: object = {}): UserEvent => ({
    type: 'EntryAppended',
    conversation,
    sequence: 1,
    sender,
    atMs: 5,
    membership: 0,
    diffusion: 0,
    title: '',
    ...more,
  });
  const rule = (whoMayWrite: WhoMayWrite) => ({ type: 'WriteRuleChanged', whoMayWrite }) as const;
  const contact = (user: string) => ({
    ...changed(ACCEPT, { user, contact: Contact.ACCEPTED }),
    relation: relation({ user, contact: Contact.ACCEPTED }),
  });
  const tellDirects = (ids: string[], refusal: number) =>
    ({ kind: 'tell', type: 'direct', ids, command: { type: 'SetRefusal', user: 'ann', refusal } }) as const;

  it('a rule is an entry of the inbox, and the conversations that have begun hear of it', () => {
    const pushedRule = (position: number, whoMayWrite: WhoMayWrite) =>
      ({
        kind: 'push',
        position,
        payload: { type: 'Personal', change: { type: 'WriteRule', whoMayWrite } },
      }) as const;
    const begun = [
      entry('d.ann.bob', 'bob'),
      entry('d.ann.cat', 'cat'),
      entry('g.tea', 'dan'),
      contact('bob'),
    ];
    spec
      .given(...begun)
      .when({ type: 'SetWriteRule', whoMayWrite: WhoMayWrite.CONTACTS })
      .thenEvents(rule(WhoMayWrite.CONTACTS))
      .thenEffects(pushedRule(5, 1), tellDirects(['ann.bob'], 0), tellDirects(['ann.cat'], 2));
    spec
      .given(...begun, rule(WhoMayWrite.CONTACTS))
      .when({ type: 'SetWriteRule', whoMayWrite: WhoMayWrite.EVERYONE })
      .thenEffects(pushedRule(6, 0), tellDirects(['ann.bob', 'ann.cat'], 0));
    spec
      .given(rule(WhoMayWrite.CONTACTS))
      .when({ type: 'SetWriteRule', whoMayWrite: WhoMayWrite.CONTACTS })
      .thenNothing();
  });

  it('under it, a contact that is made or ended is told to the conversation of the two', () => {
    const begun = [entry('d.ann.bob', 'bob'), rule(WhoMayWrite.CONTACTS), contact('bob')];
    const { state } = spec.given(...begun).when(change(REMOVE));
    expect(receptionOf(state, 'bob').refusal).toBe(0);
    spec
      .given(...begun)
      .when(change(REMOVE))
      .thenEffects(pushed(4, { sinceMs: 1_000 }), peerTold(REMOVE, 0), tellDirects(['ann.bob'], 2));
  });

  it('a message that slipped through stands, and the next one is refused', () => {
    const message = {
      conversation: 'd.ann.bob',
      sequence: 1,
      sender: 'bob',
      clientMessageId: 'c',
      sentAtMs: 5,
      text: 'hi',
    };
    const command = { type: 'Deliver', message, membership: 0, diffusion: 0, title: '' } as const;
    const payload = { type: 'Entry', message, diffusion: 0, left: false, title: '' };
    spec
      .given(rule(WhoMayWrite.CONTACTS))
      .when(command)
      .thenEffects({ kind: 'push', position: 2, payload }, tellDirects(['ann.bob'], 2));
    spec
      .given(rule(WhoMayWrite.CONTACTS), contact('bob'))
      .when(command)
      .thenEffects({ kind: 'push', position: 3, payload });
  });

  it('who begins is judged by the rule: contacts, or those in a group with the user', () => {
    const joined = entry('g.tea', 'ann', { membership: 1, title: 'Tea' });
    const left = entry('g.old', 'ann', { membership: 2 });
    const refusals = (whoMayWrite: WhoMayWrite, from: string) => {
      const given = [joined, left, contact('bob'), entry('d.ann.dan', 'dan'), rule(whoMayWrite)];
      const state = given.reduce(userDecider.evolve, userDecider.initialState(address));
      const { refusal, groups } = receptionOf(state, from);
      return { refusal, groups };
    };
    const taken = { refusal: 0, groups: [] };
    for (const from of ['bob', 'cat', '']) expect(refusals(WhoMayWrite.EVERYONE, from)).toEqual(taken);
    expect(refusals(WhoMayWrite.CONTACTS, 'bob')).toEqual(taken);
    expect(refusals(WhoMayWrite.CONTACTS, 'cat')).toEqual({ refusal: 2, groups: [] });
    expect(refusals(WhoMayWrite.SHARED_GROUP, 'cat')).toEqual({ refusal: 2, groups: ['g.tea'] });
    for (const from of ['bob', 'dan']) expect(refusals(WhoMayWrite.SHARED_GROUP, from)).toEqual(taken);
  });
});

describe('user: profile', () => {
  const registered = {
    type: 'UserRegistered',
    handle: 'ann',
    displayName: 'Ann',
    passwordHash: 'h',
    atMs: 1,
  } as const;
  const shown = {
    displayName: 'Ann of Tea',
    avatar: 'media/7',
    fields: [{ name: 'city', value: 'Uppsala' }],
  };

  it('is set whole, once, and the devices learn of it', () => {
    const profile = { type: 'Profile', ...shown } as const;
    const { state } = spec
      .given(registered)
      .when({ type: 'SetProfile', ...shown })
      .thenEvents({ type: 'UserProfileChanged', profile })
      .thenEffects({ kind: 'push', position: 1, payload: { type: 'Personal', change: profile } });
    expect([state.account?.displayName, profileOf(state)]).toEqual(['Ann of Tea', profile]);
    spec
      .given(registered, { type: 'UserProfileChanged', profile })
      .when({ type: 'SetProfile', ...shown })
      .thenNothing();
    spec
      .given()
      .when({ type: 'SetProfile', ...shown })
      .thenRefused('USER_NOT_FOUND');
  });
});
