// Begins to load the entities that devices behind the first waiting message want to attach to. Messages are dealt with one
// after another, and when thousands of users come back each brings one that is not in memory: without this the shard would
// wait for one round trip to the snapshot store after another.
import type { EntityTable } from '../entity/entity-table.ts';
import type { IntakeMessage } from '../ports/index.ts';
import { attachedEntities } from '../wire/intake-codec.ts';

/** What cannot be read or loaded shows again, and is handled, when its turn comes. */
export function foresee(messages: readonly IntakeMessage[], entities: EntityTable): void {
  for (let i = 1; i < messages.length; i++) {
    for (const { type, tenant, id } of attachedEntities(messages[i]!.bytes))
      entities.anticipate(type, tenant, id);
  }
}
