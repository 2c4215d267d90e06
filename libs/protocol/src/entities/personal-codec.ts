// What belongs to a user beside inbox and conversations, as events, entries, snapshots and answers carry it.
import type { PersonalChange, Relation } from '@parley/domain';
import type { parley } from '../messages.ts';
import { type Shape, copier, list, oneOf, plain } from './shape.ts';

const relationShape: Shape<Relation> = {
  user: plain,
  contact: plain,
  isBlocked: plain,
  message: plain,
  remark: plain,
  tags: list,
  sinceMs: plain,
};

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
export const personalChanges = oneOf<PersonalChange>('PersonalChange', { Relation: relationShape });

export const toWirePersonal = (change: PersonalChange): parley.v1.PersonalChange.$Properties =>
  personalChanges.wrap(change);
