// What one person has made of one of their conversations: settings, and what they have deleted for themself. Only they ever
// learn of it. Each change takes an inbox position, so all devices come to the same.
import { type Decision, accepted, refused } from '@parley/std';
import { type Done, done, nothingToDo } from '../conversation/done.ts';
import { Diffusion } from '../conversation/diffusion.ts';
import type { UserConversation, UserState } from './user-state.ts';

/** Shaped like parley.v1.ConversationSettings. */
export interface ConversationSettings {
  /** No sound until then, milliseconds since 1970; 0: not set. */
  readonly doNotDisturbUntilMs: number;
  readonly pinned: boolean;
  /** Not in the list until the next message. */
  readonly hidden: boolean;
  readonly markedUnread: boolean;
  /** With `hidden`: the newest sequence then. */
  readonly hiddenThrough: number;
}

export const initialSettings: ConversationSettings = {
  doNotDisturbUntilMs: 0,
  pinned: false,
  hidden: false,
  markedUnread: false,
  hiddenThrough: 0,
};

/** What the person has deleted for themself. */
export interface OwnView {
  /** Everything up to here, … */
  readonly clearedThrough: number;
  /** … and these after it, rising. */
  readonly deleted: readonly number[];
}

/** Those who have set and deleted nothing have none, which are nearly all. */
export interface OwnConversation extends OwnView {
  readonly settings: ConversationSettings;
}

export const initialOwn: OwnConversation = { settings: initialSettings, clearedThrough: 0, deleted: [] };

/** Changes the settings named in `fields`, by their names on the wire. */
export interface SetConversation {
  readonly type: 'SetConversation';
  readonly conversation: string;
  readonly settings: ConversationSettings;
  readonly fields: readonly string[];
  /** Of a super-large group, as the gateway has asked it; 0 of others. */
  readonly head: number;
}

/** Deletes for this user only: everything up to `clearedThrough`, and the messages named. */
export interface NarrowView {
  readonly type: 'NarrowView';
  readonly conversation: string;
  readonly clearedThrough: number;
  readonly deleted: readonly number[];
  readonly head: number;
}

export interface ConversationSettingsChanged {
  readonly type: 'ConversationSettingsChanged';
  readonly conversation: string;
  /** All of them. */
  readonly settings: ConversationSettings;
}

export interface ViewNarrowed {
  readonly type: 'ViewNarrowed';
  readonly conversation: string;
  readonly clearedThrough: number;
  /** Only what was not deleted before. */
  readonly deleted: readonly number[];
}

const settable = ['do_not_disturb_until_ms', 'pinned', 'hidden', 'marked_unread'];

export function decideSet(
  state: UserState,
  command: SetConversation,
): Decision<ConversationSettingsChanged, Done> {
  const known = state.conversations.get(command.conversation);
  if (known === undefined) return refused('CONVERSATION_NOT_FOUND');
  const { conversation, settings: given, fields } = command;
  const unknown = fields.find((field) => !settable.includes(field));
  if (fields.length === 0 || unknown !== undefined)
    return refused('BAD_REQUEST', `Name what is to be set: ${settable.join(', ')}.`);
  const before = known.own?.settings ?? initialSettings;
  const has = (field: string): boolean => fields.includes(field);
  const hidden = has('hidden') ? given.hidden : before.hidden;
  const settings: ConversationSettings = {
    doNotDisturbUntilMs: has('do_not_disturb_until_ms')
      ? Math.max(0, given.doNotDisturbUntilMs)
      : before.doNotDisturbUntilMs,
    pinned: has('pinned') ? given.pinned : before.pinned,
    hidden,
    markedUnread: has('marked_unread') ? given.markedUnread : before.markedUnread,
    hiddenThrough: hidden ? hiddenThrough(known, command) : 0,
  };
  return isSame(settings, before)
    ? nothingToDo
    : accepted([{ type: 'ConversationSettingsChanged', conversation, settings }], done);
}

function hiddenThrough(known: UserConversation, { fields, head }: SetConversation): number {
  const before = known.own?.settings.hiddenThrough ?? 0;
  return fields.includes('hidden') ? Math.max(known.head, head, before) : before;
}

const isSame = (one: ConversationSettings, other: ConversationSettings): boolean =>
  (Object.keys(initialSettings) as (keyof ConversationSettings)[]).every((name) => one[name] === other[name]);

export function decideNarrow(state: UserState, command: NarrowView): Decision<ViewNarrowed, Done> {
  const { conversation, head } = command;
  const known = state.conversations.get(conversation);
  if (known === undefined) return refused('CONVERSATION_NOT_FOUND');
  const newest = known.diffusion === Diffusion.READ ? Math.max(head, known.head) : known.head;
  const own = known.own ?? initialOwn;
  if (Math.max(command.clearedThrough, ...command.deleted) > newest) return refused('SEQUENCE_FROM_FUTURE');
  if (command.deleted.includes(0)) return refused('BAD_REQUEST', 'A sequence is needed.');
  const clearedThrough = Math.max(own.clearedThrough, command.clearedThrough);
  const deleted = [...new Set(command.deleted)]
    .filter((sequence) => sequence > clearedThrough && !own.deleted.includes(sequence))
    .sort((one, other) => one - other);
  if (clearedThrough === own.clearedThrough && deleted.length === 0) return nothingToDo;
  const kept = own.deleted.filter((sequence) => sequence > clearedThrough).length;
  const { deletedMax } = state.limits;
  if (kept + deleted.length > deletedMax)
    return refused(
      'DELETED_FULL',
      `At most ${deletedMax} messages are deleted one by one: clear the history.`,
    );
  return accepted([{ type: 'ViewNarrowed', conversation, clearedThrough, deleted }], done);
}

/** Whether the person has deleted what stands at the sequence. */
export const isGone = (view: OwnView | undefined, sequence: number): boolean =>
  view !== undefined && (sequence <= view.clearedThrough || view.deleted.includes(sequence));

export function narrowed(own: OwnConversation | undefined, event: OwnView): OwnConversation {
  const { settings, deleted } = own ?? initialOwn;
  const { clearedThrough } = event;
  const all = [...deleted, ...event.deleted].filter((sequence) => sequence > clearedThrough);
  return { settings, clearedThrough, deleted: all.sort((one, other) => one - other) };
}

export const withSettings = (
  own: OwnConversation | undefined,
  settings: ConversationSettings,
): OwnConversation => ({ ...(own ?? initialOwn), settings });
