// How the routes of a group give it orders and ask it.
import type { parley } from '@parley/protocol';
import { internal } from '@parley/protocol';
import type { VerifiedToken } from '../auth/token-verifier.ts';
import { mustBeDone } from './api-error.ts';
import type { ServerFrame } from './command-sender.ts';
import { ask } from './entity-questions.ts';
import type { HttpPorts } from './http-ports.ts';

export type GroupCommand = parley.internal.v1.GroupCommand.$Shape;

const addressOf = ({ tenant }: VerifiedToken, id: string) => ({ type: 'group', tenant, id });

/** Throws an ApiError when the group refuses. */
export async function orderGroup(
  ports: HttpPorts,
  asker: VerifiedToken,
  id: string,
  command: GroupCommand,
): Promise<ServerFrame> {
  const payload = internal.GroupCommand.encode(command).finish();
  const reply = await ports.commands.send(addressOf(asker, id), payload);
  mustBeDone(reply);
  return reply;
}

export const askForGroup = (ports: HttpPorts, asker: VerifiedToken, id: string) =>
  ask(ports, addressOf(asker, id), { group: { reader: asker.user } }, 'group');

export const askForMembers = (
  ports: HttpPorts,
  asker: VerifiedToken,
  id: string,
  page: { readonly after: string; readonly limit: number },
) => ask(ports, addressOf(asker, id), { members: { reader: asker.user, ...page } }, 'members');

export const askForList = (
  ports: HttpPorts,
  asker: VerifiedToken,
  id: string,
  page: {
    readonly list: parley.internal.v1.GroupList;
    readonly after: string;
    readonly limit: number;
  },
) => ask(ports, addressOf(asker, id), { groupList: { reader: asker.user, ...page } }, 'groupList');
