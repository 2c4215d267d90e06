// What owner and admins do for a group from the chat, and how one becomes a member.
import type { GroupApi } from '@parley/client';

export const careVerbs = [
  'title',
  'announce',
  'ban',
  'unban',
  'quiet',
  'loud',
  'slow',
  'invite',
  'requests',
  'accept',
  'refuse',
] as const;

export type CareVerb = (typeof careVerbs)[number];

/** Verbs that say nothing without a word behind them. */
const needWords: readonly CareVerb[] = ['title', 'ban', 'unban', 'slow', 'accept', 'refuse'];

export const careHelp = `/group title NAME     rename the current group
/group announce TEXT  put up an announcement; without text it is taken away
/group ban A B        remove members and keep them out; /group unban A B
/group quiet          only owner and admins may write; /group loud ends it
/group slow SECONDS   a member may write once in this time; 0 ends it
/group invite         make an invite that can be used for a day
/group requests       who asks to join; /group accept A, /group refuse A
/join GROUP [CODE]    join a group, or ask to
/nick NAME            what you are called in the current group`;

const dayMs = 24 * 3_600_000;

export const isCare = (verb: string | undefined, words: readonly string[]): verb is CareVerb =>
  careVerbs.includes(verb as CareVerb) && (words.length > 0 || !needWords.includes(verb as CareVerb));

/** Returns the lines to be shown. */
export async function careFor(
  { group, id }: { readonly group: GroupApi; readonly id: string },
  verb: CareVerb,
  words: readonly string[],
): Promise<readonly string[]> {
  switch (verb) {
    case 'title':
      await group.changeProfile({ title: words.join(' ') });
      return [];
    case 'announce':
      await group.announce(words.join(' '));
      return [];
    case 'quiet':
    case 'loud':
      await group.changeSettings({ muteAll: verb === 'quiet' });
      return [];
    case 'slow':
      await group.changeSettings({ slowModeMs: Math.round(Number(words[0]) * 1_000) });
      return [];
    case 'invite': {
      const { code } = await group.createInvite({ expiresAtMs: Date.now() + dayMs });
      return [`* for a day anybody may join with: /join ${id} ${code}`];
    }
    case 'requests': {
      const { requests } = await group.requests();
      return requests.length === 0
        ? ['* nobody asks to join']
        : requests.map(({ user, message }) => `  ${user}${message === '' ? '' : `: ${message}`}`);
    }
    default:
      for (const user of words) await oneByOne[verb](group, user);
      return [];
  }
}

const oneByOne = {
  ban: (group: GroupApi, user: string) => group.ban(user),
  unban: (group: GroupApi, user: string) => group.unban(user),
  accept: (group: GroupApi, user: string) => group.answerRequest(user, true),
  refuse: (group: GroupApi, user: string) => group.answerRequest(user, false),
} as const;
