// The session-actor process: shards of users and of the direct conversations that live with them.
import { runActor } from '@parley/hosting';
import { directEntityType } from './direct.entity-type.ts';
import { userEntityType } from './user.entity-type.ts';

await runActor({ app: 'session-actor', kind: 'user', types: [userEntityType, directEntityType] });
