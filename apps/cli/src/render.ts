// Messages, conversations and errors as lines of text. Control characters of strangers never reach the terminal.
import {
  ClientError,
  type ConversationView,
  type Message,
  type RichContent,
  type System,
} from '@parley/client';

/** `alice` of `d.alice.bob` for bob; the title of a group. */
export function nameOf(conversation: ConversationView, me: string): string {
  const parts = conversation.id.split('.');
  if (parts[0] === 'g') return printable(conversation.title || parts[1] || '');
  return (parts[1] === me ? parts[2] : parts[1]) ?? '';
}

export function messageLine(message: Message, me: string): string {
  const time = new Date(message.sentAtMs).toTimeString().slice(0, 5);
  const sender = message.sender === me ? 'you' : message.sender;
  if (message.gone) return `${time} * deleted`;
  if (message.system) return `${time} * ${systemText(message.system, sender)}`;
  if (message.edited) {
    const { sequence = 0, text = '' } = message.edited;
    return `${time} * ${sender} edited #${sequence}: ${printable(text)}`;
  }
  if (message.recalled) return `${time} * ${sender} recalled #${message.recalled.sequence ?? 0}`;
  return `${time} ${sender}: ${contentText(message)}`;
}

function contentText({ text, rich, revision = 0, isRecalled, reactions = [], isErased }: Message): string {
  if (isRecalled) return 'message recalled';
  if (isErased) return 'message erased';
  const attached = rich ? attachmentText(rich) : '';
  const marks = reactions.map(({ emoji, count }) => `${printable(emoji)}${count > 1 ? count : ''}`).join(' ');
  const parts = [attached, printable(text ?? ''), revision > 0 ? '(edited)' : '', marks && `[${marks}]`];
  return parts.filter((part) => part !== '').join(' ');
}

/** What a terminal can show of it. */
function attachmentText(rich: RichContent): string {
  const { sticker, location, contactCard, custom } = rich;
  for (const kind of ['image', 'gif', 'voice', 'video', 'file'] as const) {
    const media = rich[kind];
    if (media) return `[${kind} ${printable(media.name || media.ref || '')}]`;
  }
  if (sticker) return printable(sticker.emoji || '[sticker]');
  if (location) return `[location ${location.latitude ?? 0}, ${location.longitude ?? 0}]`;
  if (contactCard) return `[contact ${contactCard.user ?? ''}]`;
  return custom ? `[${printable(custom.type ?? '')}]` : '';
}

/** `2026-01-31`, where the user is. */
export function dayOf(atMs: number): string {
  const date = new Date(atMs);
  const parts = [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  return parts.map((part) => String(part).padStart(2, '0')).join('-');
}

export function conversationLine(conversation: ConversationView, me: string): string {
  const isMarked = conversation.settings.markedUnread && conversation.unread === 0;
  const unread = isMarked ? ' (unread)' : conversation.unread > 0 ? ` (${conversation.unread} unread)` : '';
  const mentions = conversation.unreadMentions > 0 ? ` (${conversation.unreadMentions} @you)` : '';
  const left = conversation.isMember ? '' : ' (left)';
  return `${nameOf(conversation, me)}${unread}${mentions}${left}`;
}

export function errorLine(error: unknown): string {
  if (!(error instanceof ClientError)) return `error: ${(error as Error).message}`;
  const hint = hints[error.code];
  return `error ${error.message}${hint === undefined ? '' : ` - ${hint}`}`;
}

function systemText(system: System, sender: string): string {
  if (system.groupCreated) return `${sender} made the group ${printable(system.groupCreated.title ?? '')}`;
  if (system.membersAdded) return `${sender} added ${(system.membersAdded.members ?? []).join(', ')}`;
  if (system.memberRemoved) return `${sender} removed ${system.memberRemoved.member ?? ''}`;
  if (system.memberLeft) return `${system.memberLeft.member ?? sender} left`;
  if (system.groupDismissed) return `${sender} dismissed the group`;
  if (system.roleChanged) return `${sender} changed the role of ${system.roleChanged.member ?? ''}`;
  if (system.memberMuted) return `${sender} muted ${system.memberMuted.member ?? ''}`;
  if (system.messageReacted) {
    const { sequence = 0, emoji, isRemoved } = system.messageReacted;
    return `${sender} ${isRemoved ? 'took away' : 'put'} ${printable(emoji ?? '')} ${isRemoved ? 'from' : 'on'} #${sequence}`;
  }
  if (system.messagePinned) return `${sender} pinned #${system.messagePinned.sequence ?? 0}`;
  if (system.messageUnpinned) return `${sender} unpinned #${system.messageUnpinned.sequence ?? 0}`;
  if (system.profileChanged)
    return `${sender} named the group ${printable(system.profileChanged.title ?? '')}`;
  if (system.announcementChanged) return announcementText(system.announcementChanged.text ?? '', sender);
  if (system.settingsChanged) return settingsText(system.settingsChanged.settings ?? {}, sender);
  if (system.banChanged)
    return `${sender} ${system.banChanged.isBanned ? 'banned' : 'lifted the ban of'} ${system.banChanged.member ?? ''}`;
  if (system.joinRequested) return `${sender} asks to join`;
  if (system.windowsChanged) return `${sender} changed how long messages may be changed`;
  if (system.nicknameChanged) return nicknameText(system.nicknameChanged);
  if (system.expired) return 'an older message, no longer kept';
  if (system.diffusionChanged) return 'the group changed its way of delivery';
  return 'something happened that this version does not know';
}

type SettingsChange = NonNullable<System['settingsChanged']>;

const announcementText = (text: string, sender: string): string =>
  text === '' ? `${sender} took the announcement away` : `${sender} announces: ${printable(text)}`;

function settingsText(settings: NonNullable<SettingsChange['settings']>, sender: string): string {
  const { muteAll } = settings;
  const slowModeMs = settings.slowModeMs ?? 0;
  const writing = muteAll ? 'only owner and admins write' : 'everybody may write';
  const pace = slowModeMs > 0 ? `, once in ${slowModeMs / 1000} s` : '';
  return `${sender} changed the settings: ${writing}${pace}`;
}

const nicknameText = ({ member, nickname }: NonNullable<System['nicknameChanged']>): string =>
  nickname
    ? `${member ?? ''} is called ${printable(nickname)} here`
    : `${member ?? ''} has no nickname any more`;

const printable = (text: string): string => text.replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, ' ');

const hints: Record<string, string | undefined> = {
  USER_NOT_FOUND: 'they sign up with: npm run chat -- --as NAME',
  NOT_A_MEMBER: 'ask a member to add you',
  SLOW_MODE: 'wait a little and send it again',
  INVITE_INVALID: 'ask for a new one',
  BANNED: 'owner and admins can lift the ban',
  TOO_LATE: 'messages can be changed for some time only',
  GROUP_DISMISSED: 'make a new one with /group new',
  ALREADY_EXISTS: 'choose another name',
  FORBIDDEN: 'only the owner and admins may do this',
  WRONG_CREDENTIALS: 'give the right --password',
  TEXT_TOO_LARGE: 'send it in parts',
  RATE_LIMITED: 'wait a little',
  BAD_ID: 'names have 1 to 64 letters, digits, _ and -',
  HISTORY_UNAVAILABLE: 'live messages go on; try again later',
  HTTP_UNREACHABLE: 'is the server running? (npm start; --url says where)',
};
