// Plays a window: makes the group as it was before, then does what people did, one after another, each in their own name.
import type { LogMessage } from '@parley/domain';
import { Joining, Role } from '@parley/domain';
import { parseConversation } from '@parley/protocol';
import type { Difference } from './compare.ts';
import { isAutomatic, kindOf } from './elements.ts';
import type { PastState } from './past-reader.ts';
import type { Stage } from './stage.ts';

/** As many as one request may bring. */
const membersPerRequest = 1_000;
const progressEvery = 1_000;

const roleWords = { [Role.MEMBER]: 'member', [Role.ADMIN]: 'admin', [Role.OWNER]: 'owner' } as const;
const joiningWords = {
  [Joining.INVITE]: 'invite',
  [Joining.REQUEST]: 'request',
  [Joining.OPEN]: 'open',
} as const;
type Named = keyof typeof roleWords;

/** Returns the head: what the window begins behind. `before` undefined: the window makes the group itself. */
export async function setTheStage(
  stage: Stage,
  conversation: string,
  before: PastState | undefined,
): Promise<number> {
  const parsed = parseConversation(conversation);
  if (parsed?.type !== 'group' || before === undefined) return 0;
  const { id } = parsed;
  const owner = before.members.find(({ role }) => role === Role.OWNER)?.user;
  if (owner === undefined) return 0;
  const others = before.members.filter(({ user }) => user !== owner);
  const api = await stage.api(owner);
  const users = others.map(({ user }) => user);
  await api.createGroup({ id, title: before.title, members: users.slice(0, membersPerRequest) });
  for (let at = membersPerRequest; at < users.length; at += membersPerRequest)
    await api.addMembers(id, users.slice(at, at + membersPerRequest));
  for (const { user, role, mutedUntilMs } of others) {
    if (role === Role.ADMIN) await api.setRole(id, user, 'admin');
    if (mutedUntilMs > 0)
      await stage.put(owner, `/v1/groups/${id}/members/${user}/mute`, { untilMs: mutedUntilMs });
  }
  return Number((await stage.get(owner, `/v1/groups/${id}`))['head']);
}

export interface Played {
  readonly automatic: number;
  readonly refused: readonly Difference[];
}

export async function play(
  stage: Stage,
  elements: readonly LogMessage[],
  progress: (line: string) => void,
): Promise<Played> {
  const refused: Difference[] = [];
  let automatic = 0;
  for (const [index, element] of elements.entries()) {
    if (index > 0 && index % progressEvery === 0) progress(`played ${index} of ${elements.length}`);
    if (isAutomatic(element, elements[index - 1])) {
      automatic += 1;
      continue;
    }
    try {
      await playOne(stage, element);
    } catch (error) {
      const what = `${kindOf(element)} of ${element.sender}: ${(error as Error).message}`;
      refused.push({ code: 'refused', sequence: element.sequence, what });
    }
  }
  return { automatic, refused };
}

async function playOne(
  stage: Stage,
  { conversation, sender, text, clientMessageId, system }: LogMessage,
): Promise<void> {
  if (system === undefined) {
    const client = await stage.client(sender);
    await client.send(conversation, text ?? '', clientMessageId);
    return;
  }
  const id = conversation.slice(2);
  const api = await stage.api(sender);
  switch (system.type) {
    case 'GroupCreated': {
      const members = system.members.filter((member) => member !== sender);
      await api.createGroup({ id, title: system.title, members });
      return;
    }
    case 'MembersAdded':
      return api.addMembers(id, system.members);
    case 'MemberRemoved':
      return api.removeMember(id, system.member);
    case 'MemberLeft':
      return api.leave(id);
    case 'GroupDismissed':
      return api.dismiss(id);
    case 'RoleChanged':
      return api.setRole(id, system.member, roleWords[system.role as Named]);
    case 'MemberMuted':
      return stage.put(sender, `/v1/groups/${id}/members/${system.member}/mute`, {
        untilMs: system.mutedUntilMs,
      });
    case 'ProfileChanged':
      return stage.send(sender, 'PATCH', `/v1/groups/${id}`, { title: system.title, avatar: system.avatar });
    case 'AnnouncementChanged':
      return stage.put(sender, `/v1/groups/${id}/announcement`, { text: system.text });
    case 'SettingsChanged':
      return stage.send(sender, 'PATCH', `/v1/groups/${id}/settings`, {
        ...system.settings,
        joining: joiningWords[system.settings.joining],
      });
    case 'BanChanged':
      return stage.send(sender, system.isBanned ? 'PUT' : 'DELETE', `/v1/groups/${id}/bans/${system.member}`);
    case 'NicknameChanged':
      return stage.put(sender, `/v1/groups/${id}/members/${system.member}/nickname`, {
        nickname: system.nickname,
      });
    default:
      throw new Error(`${system.type} cannot be played`);
  }
}
