// A toy entity for tests of the runtime: people who post letters to others. Small enough to see through, and it uses
// everything the runtime offers: events, effects to the own and to other shards, pushes, live publishes, dedupe, snapshots,
// queries. A letter to nobody is published.
import { type Decider, ByteReader, ByteWriter, accepted, refused } from '@parley/std';
import type { EntityType } from '@parley/runtime';

export interface Letter {
  readonly id: string;
  readonly from: string;
}

export type LettersCommand =
  | { readonly type: 'Post'; readonly id: string; readonly to: readonly string[]; readonly text?: string }
  | { readonly type: 'Receive'; readonly letter: Letter };

export type LettersEvent =
  | { readonly type: 'Posted'; readonly id: string; readonly to: readonly string[]; readonly text?: string }
  | { readonly type: 'Received'; readonly letter: Letter };

export interface LettersState {
  readonly self: string;
  readonly posted: string[];
  readonly received: Letter[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const encode = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));
const decode = <T>(bytes: Uint8Array): T => JSON.parse(decoder.decode(bytes)) as T;

/** A letter with this id makes the rules throw after they have accepted it, as a bug would. */
export const poisonId = 'poison';

const decider: Decider<LettersState, LettersCommand, LettersEvent, { id: string }> = {
  initialState: ({ id }) => ({ self: id, posted: [], received: [] }),
  decide(state, command) {
    if (command.type === 'Receive')
      return accepted([{ type: 'Received', letter: command.letter }], { id: '' });
    if (command.id === '') return refused('TEXT_EMPTY');
    if (state.posted.includes(command.id)) return accepted([], { id: command.id });
    const { id, to, text } = command;
    return accepted([{ type: 'Posted', id, to, ...(text !== undefined && { text }) }], { id });
  },
  evolve(state, event) {
    if (event.type === 'Posted' && event.id === poisonId) throw new Error('the rules have a bug');
    if (event.type === 'Posted') state.posted.push(event.id);
    else state.received.push(event.letter);
    return state;
  },
  effectsOf(event, state) {
    if (event.type === 'Received')
      return [{ kind: 'push', position: state.received.length, payload: event.letter }];
    if (event.to.length === 0) return [{ kind: 'publish', payload: { id: event.id } }];
    const command: LettersCommand = { type: 'Receive', letter: { id: event.id, from: state.self } };
    return [{ kind: 'tell', type: 'user', ids: event.to, command }];
  },
};

export const lettersType: EntityType<LettersState, LettersCommand, LettersEvent, { id: string }> = {
  name: 'user',
  decider,
  codec: {
    encodeCommand: encode,
    decodeCommand: decode,
    encodeEvent: encode,
    decodeEvent: decode,
    encodeSnapshot: encode,
    decodeSnapshot: decode,
    encodeReply: encode,
    encodeRefusal: encode,
    encodePayload: encode,
  },
  query: (state) => encode(state),
  attach: (state) => encode({ received: state.received.length }),
  position: (state) => state.received.length,
  nudge: (state) => ({ nudge: state.received.length }),
  topic: ({ id }) => `letters.${id}`,
  announce: (state) => ({ head: state.posted.length }),
};

/** A question for one person: its address is all it says. */
export const lettersQuery = (tenant: string, id: string): Buffer =>
  new ByteWriter().text('user').text(tenant).text(id).finish();

export function lettersQueryAddress(bytes: Uint8Array) {
  const reader = new ByteReader(bytes);
  return { type: reader.text(), tenant: reader.text(), id: reader.text() };
}

export const decodeJson = decode;
export const encodeJson = encode;
