// What the facts of a group cause elsewhere.
//
// Under write-diffusion every member's inbox gets every log element. Under read-diffusion log elements are published on
// the live topic, and only those whose membership changes get an entry. A switch is told to everybody, both ways: it is
// the entry from which on each member knows where to look.
import { type Effect, type PublishEffect, assertNever } from '@parley/std';
import { newestAt } from '../conversation/conversation-log.ts';
import { Diffusion } from '../conversation/diffusion.ts';
import type { LogMessage } from '../conversation/log-message.ts';
import { Membership } from '../user/membership.ts';
import type { Deliver } from '../user/user-command.ts';
import { type DiffusionChanged, type GroupEvent, type MembersAdded, groupLogMessage } from './group-event.ts';
import { type GroupState, diffusionAt } from './group-state.ts';

/** What is published on a group's live topic; the codec turns it into parley.v1.Live. */
export interface LivePush {
  readonly type: 'Live';
  readonly messages: readonly LogMessage[];
  readonly heads: readonly { readonly conversation: string; readonly sequence: number }[];
}

export function effectsOfGroup(event: GroupEvent, state: GroupState): readonly Effect[] {
  if (!('sequence' in event)) return [];
  const message = newestAt(state.log, event.sequence) ?? groupLogMessage(event, state.log.conversation);
  if (message === undefined) return [];
  // Asked of the sequence and not of the state, because a switch in the same decision may have been applied already.
  const isRead = diffusionAt(state, event.sequence) === Diffusion.READ;
  // Built only where everybody is told: under read-diffusion a single join must not walk over all members.
  const everybody = () => state.members.ids();
  switch (event.type) {
    case 'MessagePosted':
    case 'MessageEdited':
    case 'MessageRecalled':
    case 'MessageReacted':
    case 'MessagePinned':
    case 'MessageUnpinned':
    case 'RoleChanged':
    case 'MemberMuted':
    case 'AnnouncementChanged':
    case 'SettingsChanged':
    case 'BanChanged':
    case 'WindowsChanged':
    case 'NicknameChanged':
    case 'JoinRequested':
      return isRead ? [publish(message)] : tell(everybody(), deliver(message));
    case 'ProfileChanged':
      // Under read-diffusion the title is asked of the group, as its head is.
      return isRead ? [publish(message)] : tell(everybody(), { ...deliver(message), title: event.title });
    case 'GroupCreated':
      return tell(event.members, joined(message, state, Diffusion.WRITE));
    case 'MembersAdded': {
      if (isRead) return [publish(message), ...tellJoined(event, joined(message, state, Diffusion.READ))];
      const added = new Set(event.members);
      const others = everybody().filter((user) => !added.has(user));
      return [
        ...tellJoined(event, joined(message, state, Diffusion.WRITE)),
        ...tell(others, deliver(message)),
      ];
    }
    case 'MemberRemoved':
    case 'MemberLeft':
      return [
        ...tell([event.member], deliver(message, Membership.LEFT)),
        ...(isRead ? [publish(message)] : tell(everybody(), deliver(message))),
      ];
    case 'GroupDismissed': {
      const isTold = !isRead || state.members.size <= state.limits.toldMembersMax;
      const goodbye = isTold ? tell(everybody(), deliver(message, Membership.LEFT)) : [];
      return isRead ? [publish(message), ...goodbye] : goodbye;
    }
    case 'DiffusionChanged': {
      const command = { ...deliver(message), diffusion: event.diffusion, ...newestMentions(event, state) };
      return [publish(message), ...tell(everybody(), command)];
    }
    default:
      return assertNever(event, 'effectsOfGroup');
  }
}

/** Under read-diffusion no inbox was told whom messages mention. */
function newestMentions({ diffusion }: DiffusionChanged, state: GroupState): Pick<Deliver, 'mentions'> {
  if (diffusion !== Diffusion.WRITE || state.mentions === undefined) return {};
  return { mentions: [...state.mentions.values()].slice(-state.limits.mentionsToldMax) };
}

/** One list of users for each first sequence they may see: nearly always one. */
function tellJoined({ members, firstVisible, sequence }: MembersAdded, command: Deliver): readonly Effect[] {
  if (firstVisible === undefined) return tell(members, command);
  const byFirst = new Map<number, string[]>();
  members.forEach((user, index) => {
    const first = firstVisible[index] ?? sequence;
    const users = byFirst.get(first);
    if (users === undefined) byFirst.set(first, [user]);
    else users.push(user);
  });
  return [...byFirst].flatMap(([first, users]) =>
    tell(users, first < sequence ? { ...command, firstVisible: first } : command),
  );
}

/** Published once more some time after the last message, so that a lost last one shows. */
export const groupAnnouncement = (state: GroupState): LivePush => ({
  type: 'Live',
  messages: [],
  heads: [{ conversation: state.log.conversation, sequence: state.log.head }],
});

function publish(message: LogMessage): PublishEffect {
  const payload: LivePush = { type: 'Live', messages: [message], heads: [] };
  return { kind: 'publish', payload };
}

const tell = (ids: readonly string[], command: Deliver): readonly Effect[] =>
  ids.length === 0 ? [] : [{ kind: 'tell', type: 'user', ids, command }];

const deliver = (message: LogMessage, membership: Membership = Membership.UNCHANGED): Deliver => ({
  type: 'Deliver',
  message,
  membership,
  diffusion: Diffusion.UNSPECIFIED,
  title: '',
});

const joined = (message: LogMessage, state: GroupState, diffusion: Diffusion): Deliver => ({
  type: 'Deliver',
  message,
  membership: Membership.JOINED,
  diffusion,
  title: state.title,
});
