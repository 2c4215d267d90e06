// The rules of direct conversations.
import { type DirectEvent, type PostMessage, createDirectDecider, directDecider } from '@parley/domain';
import { conversationLimits, directHead, directLogPage } from '@parley/domain';
import { describe, expect, it } from 'vitest';
import { decidesAs } from './decides-as.ts';

const address = { type: 'direct', tenant: 'acme', id: 'ann.bob' };
const spec = decidesAs(directDecider, { address, nowMs: 1_000 });
const post = (more: Partial<PostMessage> = {}): PostMessage => ({
  type: 'PostMessage',
  sender: 'ann',
  clientMessageId: 'c1',
  text: 'hi',
  afterClientMessageId: '',
  ...more,
});
const posted = (sequence: number, more: object = {}): DirectEvent => ({
  type: 'MessagePosted',
  sequence,
  sender: 'ann',
  clientMessageId: `c${sequence}`,
  atMs: 1_000,
  text: 'hi',
  ...more,
});
const replay = (...events: readonly DirectEvent[]) =>
  events.reduce(directDecider.evolve, directDecider.initialState(address));

describe('direct: PostMessage', () => {
  it('posts the next sequence, answers the sender and delivers to both', () => {
    const message = {
      conversation: 'd.ann.bob',
      sequence: 1,
      sender: 'ann',
      clientMessageId: 'c1',
      sentAtMs: 1_000,
      text: 'hi',
    };
    spec
      .given()
      .when(post())
      .thenEvents(posted(1))
      .thenReply({
        type: 'Sent',
        conversation: 'd.ann.bob',
        clientMessageId: 'c1',
        sequence: 1,
        sentAtMs: 1_000,
        duplicate: false,
      })
      .thenEffects({
        kind: 'tell',
        type: 'user',
        ids: ['ann', 'bob'],
        command: { type: 'Deliver', message, membership: 0, diffusion: 0, title: '' },
      });
  });

  it('answers a retry with the first answer and posts nothing', () => {
    spec
      .given(posted(1), posted(2))
      .when(post({ text: 'another text' }), { nowMs: 9_000 })
      .thenNothing()
      .thenReply({
        type: 'Sent',
        conversation: 'd.ann.bob',
        clientMessageId: 'c1',
        sequence: 1,
        sentAtMs: 1_000,
        duplicate: true,
      });
  });

  it('takes the same client message id of the other sender as another message', () => {
    spec
      .given(posted(1))
      .when(post({ sender: 'bob' }))
      .thenEvents(posted(2, { sender: 'bob', clientMessageId: 'c1' }));
  });

  it('refuses strangers, empty texts, texts above the limit and messages without an id', () => {
    spec
      .given()
      .when(post({ sender: 'eve' }))
      .thenRefused('NOT_A_MEMBER');
    spec
      .given()
      .when(post({ text: '' }))
      .thenRefused('TEXT_EMPTY');
    spec
      .given()
      .when(post({ text: 'x'.repeat(65_537) }))
      .thenRefused('TEXT_TOO_LARGE');
    spec
      .given()
      .when(post({ text: '語'.repeat(21_846) }))
      .thenRefused('TEXT_TOO_LARGE');
    spec
      .given()
      .when(post({ clientMessageId: '' }))
      .thenRefused('BAD_ID');
  });

  it('takes a text of exactly the limit', () => {
    const text = '語'.repeat(21_845) + 'x';
    spec.given().when(post({ text })).thenEvents(posted(1, { text }));
  });

  it('refuses a message whose predecessor has not arrived, and takes it after', () => {
    const second = post({ clientMessageId: 'c2', afterClientMessageId: 'c1' });
    spec.given().when(second).thenRefused('PREDECESSOR_MISSING');
    spec
      .given(posted(1, { sender: 'bob' }))
      .when(second)
      .thenRefused('PREDECESSOR_MISSING');
    spec.given(posted(1)).when(second).thenEvents(posted(2));
  });

  it('tells a user who talks to themself once', () => {
    const self = decidesAs(directDecider, { address: { ...address, id: 'ann.ann' } });
    const { state } = self.given().when(post());
    expect(state.users).toEqual(['ann']);
    expect([state.readByFirst, state.readBySecond]).toEqual([1, 1]);
  });

  it('gives the same array of users each time', () => {
    const state = replay(posted(1), posted(2));
    const ids = [posted(1), posted(2)].map((event) => {
      const [effect] = directDecider.effectsOf(event, state);
      return effect?.kind === 'tell' ? effect.ids : undefined;
    });
    expect(ids[0]).toBe(ids[1]);
  });

  it('forgets retries beyond the window, by count and by age', () => {
    const small = createDirectDecider({ ...conversationLimits, dedupeCountMax: 2, dedupeAgeMaxMs: 100 });
    const smallSpec = decidesAs(small, { address, nowMs: 1_000 });
    smallSpec
      .given(posted(1), posted(2), posted(3))
      .when(post())
      .thenEvents(posted(4, { clientMessageId: 'c1' }));
    smallSpec
      .given(posted(1), posted(2), posted(3))
      .when(post({ clientMessageId: 'c2' }))
      .thenNothing();
    const late = posted(2, { atMs: 1_101 });
    smallSpec
      .given(posted(1), late)
      .when(post())
      .thenEvents(posted(3, { clientMessageId: 'c1' }));
    smallSpec
      .given(posted(1), posted(2, { atMs: 1_100 }))
      .when(post())
      .thenNothing();
  });
});

describe('direct: MarkRead', () => {
  const read = (reader: string, sequence: number) => ({ type: 'MarkRead', reader, sequence }) as const;

  it('advances the pointer and tells the other one', () => {
    spec
      .given(posted(1))
      .when(read('bob', 1))
      .thenEvents({ type: 'ReadAdvanced', reader: 'bob', sequence: 1 })
      .thenEffects({
        kind: 'tell',
        type: 'user',
        ids: ['ann'],
        command: { type: 'NotePeerRead', conversation: 'd.ann.bob', peer: 'bob', sequence: 1 },
      });
  });

  it('does nothing when repeated, when it goes back, and for what the reader wrote', () => {
    const advanced: DirectEvent = { type: 'ReadAdvanced', reader: 'bob', sequence: 2 };
    spec.given(posted(1), posted(2), advanced).when(read('bob', 2)).thenNothing();
    spec.given(posted(1), posted(2), advanced).when(read('bob', 1)).thenNothing();
    spec.given(posted(1)).when(read('ann', 1)).thenNothing();
  });

  it('stops at the head and refuses strangers', () => {
    spec
      .given(posted(1))
      .when(read('bob', 9))
      .thenEvents({ type: 'ReadAdvanced', reader: 'bob', sequence: 1 });
    spec.given(posted(1)).when(read('eve', 1)).thenRefused('NOT_A_MEMBER');
  });
});

describe('direct: queries', () => {
  it('shows the newest messages to its two users only', () => {
    const state = replay(posted(1), posted(2), posted(3));
    const page = directLogPage(state, { reader: 'bob', from: 2, to: 0 });
    expect(page.ok && page.value.messages.map((message) => message.sequence)).toEqual([2, 3]);
    expect(directLogPage(state, { reader: 'eve', from: 1, to: 0 })).toEqual({
      ok: false,
      error: 'NOT_A_MEMBER',
    });
    expect(directHead(state, 'bob')).toMatchObject({ head: 3, isMember: true });
    expect(directHead(state, 'eve')).toMatchObject({ head: 0, isMember: false });
  });

  it('keeps a dense tail within its limits', () => {
    const small = createDirectDecider({ ...conversationLimits, tailCountMax: 3, tailBytesMax: 1_000 });
    let state = small.initialState(address);
    for (let sequence = 1; sequence <= 10; sequence++) state = small.evolve(state, posted(sequence));
    const page = directLogPage(state, { reader: 'ann', from: 1, to: 9 });
    expect(page.ok && page.value.messages.map((message) => message.sequence)).toEqual([8, 9]);
    state = small.evolve(state, posted(11, { text: 'x'.repeat(2_000) }));
    expect(state.log.tail.messages.map((message) => message.sequence)).toEqual([11]);
  });
});
