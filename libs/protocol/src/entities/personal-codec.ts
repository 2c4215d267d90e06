// What belongs to a user beside inbox and conversations, as events, entries, snapshots and answers carry it.
import type { DeviceLoggedOut, PersonalChange, Profile, Relation, WriteRule } from '@parley/domain';
import type { parley } from '../messages.ts';
import { type Shape, copier, list, listOf, oneOf, plain } from './shape.ts';

const relationShape: Shape<Relation> = {
  user: plain,
  contact: plain,
  isBlocked: plain,
  message: plain,
  remark: plain,
  tags: list,
  sinceMs: plain,
};

const profileShape: Shape<Profile> = {
  displayName: plain,
  avatar: plain,
  fields: listOf({ name: plain, value: plain }),
};

const writeRuleShape: Shape<WriteRule> = { whoMayWrite: plain };

const copyProfile = copier(profileShape, 'Profile');

/** undefined when it was never set. */
export const readProfile = (message: object | null | undefined): Profile | undefined =>
  message === null || message === undefined ? undefined : copyProfile(message);

export function readSetProfile(message: object | null | undefined): Profile {
  if (message === null || message === undefined) throw new RangeError('a profile is absent');
  return copyProfile(message);
}

export const profileFields = profileShape.fields;

export const toWireProfile = (profile: Profile): parley.v1.Profile.$Properties =>
  profile as unknown as parley.v1.Profile.$Properties;

/** Of events and entries alike. */
export const deviceLoggedOutShape: Shape<DeviceLoggedOut> = { deviceId: plain, atMs: plain, reason: plain };

const copyLoggedOut = copier(deviceLoggedOutShape, 'DeviceLoggedOut');

/** In the order in which they were logged out. */
export const readLoggedOut = (messages: readonly object[]): Map<string, DeviceLoggedOut> =>
  new Map(messages.map(copyLoggedOut).map((each) => [each.deviceId, each]));

const copyRelation = copier(relationShape, 'Relation');

/** A relation that is always there in what we write. */
export function readRelation(message: object | null | undefined): Relation {
  if (message === null || message === undefined) throw new RangeError('a relation is absent');
  return copyRelation(message);
}

/** Plain values encode as they are. */
export const toWireRelation = (relation: Relation): parley.v1.Relation.$Properties =>
  relation as unknown as parley.v1.Relation.$Properties;

/** `{ relation: … }` and so on: a parley.v1.PersonalChange. */
export const personalChanges = oneOf<PersonalChange>('PersonalChange', {
  Relation: relationShape,
  WriteRule: writeRuleShape,
  Profile: profileShape,
  DeviceLoggedOut: deviceLoggedOutShape,
});

export const toWirePersonal = (change: PersonalChange): parley.v1.PersonalChange.$Properties =>
  personalChanges.wrap(change);
