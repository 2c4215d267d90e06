// The group-actor process: shards of groups. What happens in them reaches users over lanes.
import { runActor } from '@parley/hosting';
import { encodeUserCommand } from '@parley/protocol';
import { groupEntityType } from './group.entity-type.ts';

await runActor({
  app: 'group-actor',
  kind: 'group',
  types: [groupEntityType],
  foreignCommands: { user: encodeUserCommand },
});
