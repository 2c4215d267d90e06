// The entities of Parley as the runtime runs them: the rules of the domain married to the bytes of the protocol.
// A way in of its own: the simulator needs them without the process around them.
export { createDirectEntityType, directEntityType } from './direct.entity-type.ts';
export { createGroupEntityType, groupEntityType } from './group.entity-type.ts';
export { createUserEntityType, userEntityType } from './user.entity-type.ts';
