// The session-actor process: shards of users and of the direct conversations that live with them.
import { runActor } from '@parley/hosting';
import { directEntityType, userEntityType } from '@parley/hosting/entities';

await runActor({ app: 'session-actor', kind: 'user', types: [userEntityType, directEntityType] });
