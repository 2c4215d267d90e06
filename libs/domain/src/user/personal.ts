// What belongs to a user beside inbox and conversations, and what only their devices learn of: each change takes an inbox
// position. Nearly all users have nothing of it in memory.
import { assertNever } from '@parley/std';
import { type DeviceLoggedOut, type Devices, applyDevice } from './device.ts';
import { type Profile, type UserProfileChanged, WhoMayWrite, type WriteRule } from './profile.ts';
import type { WriteRuleChanged } from './profile.ts';
import { isBlank } from './relation.ts';
import type { Relation, RelationChanged } from './relation.ts';
import type { UserState } from './user-state.ts';

export interface Personal {
  /** By the other user's id. */
  readonly relations: Map<string, Relation>;
  whoMayWrite: WhoMayWrite;
  /** undefined: never set. */
  profile: Profile | undefined;
  readonly devices: Devices;
}

const empty = (): Personal => ({
  relations: new Map(),
  whoMayWrite: WhoMayWrite.EVERYONE,
  profile: undefined,
  devices: { loggedOut: new Map(), claimed: new Map() },
});

/** Shared by all who have nothing, and never written to. */
export const nothingPersonal: Personal = empty();

/** The user's own, to be written to. */
export function ownPersonal(state: UserState): Personal {
  if (state.personal === nothingPersonal) state.personal = empty();
  return state.personal;
}

/** The shared one in the place of one that says nothing. */
export const sharedIfEmpty = (personal: Personal): Personal =>
  personal.relations.size === 0 &&
  personal.whoMayWrite === WhoMayWrite.EVERYONE &&
  personal.profile === undefined &&
  personal.devices.loggedOut.size === 0 &&
  personal.devices.claimed.size === 0
    ? nothingPersonal
    : personal;

/** A whole new value, as an inbox entry carries it. */
export type PersonalChange = Relation | WriteRule | Profile | DeviceLoggedOut;

export type PersonalEvent = RelationChanged | WriteRuleChanged | UserProfileChanged | DeviceLoggedOut;

export function personalChangeOf(event: PersonalEvent): PersonalChange {
  switch (event.type) {
    case 'RelationChanged':
      return event.relation;
    case 'WriteRuleChanged':
      return { type: 'WriteRule', whoMayWrite: event.whoMayWrite };
    case 'UserProfileChanged':
      return event.profile;
    case 'DeviceLoggedOut':
      return event;
    default:
      return assertNever(event, 'personalChangeOf');
  }
}

export function applyPersonal(state: UserState, event: PersonalEvent): void {
  const personal = ownPersonal(state);
  switch (event.type) {
    case 'RelationChanged': {
      const { relation } = event;
      if (isBlank(relation)) personal.relations.delete(relation.user);
      else personal.relations.set(relation.user, relation);
      return;
    }
    case 'WriteRuleChanged':
      personal.whoMayWrite = event.whoMayWrite;
      return;
    case 'UserProfileChanged':
      personal.profile = event.profile;
      if (state.account !== undefined)
        state.account = { ...state.account, displayName: event.profile.displayName };
      return;
    case 'DeviceLoggedOut':
      applyDevice(personal.devices, event, state.limits.devicesLoggedOutMax);
      return;
    default:
      assertNever(event, 'applyPersonal');
  }
}
