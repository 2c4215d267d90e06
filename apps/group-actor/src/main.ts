// The group-actor process: shards of groups. What happens in them reaches users over lanes.
import { runActor } from '@parley/hosting';
import { groupEntityType } from '@parley/hosting/entities';
import { encodeUserCommand } from '@parley/protocol';

await runActor({
  app: 'group-actor',
  kind: 'group',
  types: [groupEntityType],
  foreignCommands: { user: encodeUserCommand },
});
