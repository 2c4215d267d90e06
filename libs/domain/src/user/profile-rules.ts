// The rules of what a user says about themself.
import { type Decision, accepted, refused } from '@parley/std';
import { type Done, done, nothingToDo } from '../conversation/done.ts';
import type { UserProfileChanged, SetProfile, SetWriteRule, WriteRuleChanged } from './profile.ts';
import { profileOf } from './relation-queries.ts';
import type { UserState } from './user-state.ts';

export function decideWriteRule(
  state: UserState,
  { whoMayWrite }: SetWriteRule,
): Decision<WriteRuleChanged, Done> {
  if (whoMayWrite === state.personal.whoMayWrite) return nothingToDo;
  return accepted([{ type: 'WriteRuleChanged', whoMayWrite }], done);
}

export function decideProfile(
  state: UserState,
  { displayName, avatar, fields }: SetProfile,
): Decision<UserProfileChanged, Done> {
  if (state.account === undefined) return refused('USER_NOT_FOUND');
  const known = profileOf(state);
  const isSame =
    displayName === known.displayName &&
    avatar === known.avatar &&
    JSON.stringify(fields) === JSON.stringify(known.fields);
  if (isSame) return nothingToDo;
  return accepted(
    [{ type: 'UserProfileChanged', profile: { type: 'Profile', displayName, avatar, fields } }],
    done,
  );
}
