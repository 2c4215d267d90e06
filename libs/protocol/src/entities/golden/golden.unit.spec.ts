// The bytes of journals, command logs and snapshots are read for ever: golden.json must stay readable, and what is
// written today must be what it says. A new type adds a sample and the bytes this test prints.
import { readFileSync } from 'node:fs';
import type {
  DirectCommand,
  DirectEvent,
  GroupCommand,
  GroupEvent,
  UserCommand,
  UserEvent,
} from '@parley/domain';
import { describe, expect, it } from 'vitest';
import { directCodec } from '../direct-codec.ts';
import { groupCodec } from '../group-codec.ts';
import { decodeLogMessage, encodeLogMessage } from '../log-message-codec.ts';
import { userCodec } from '../user-codec.ts';
import * as samples from './samples.ts';

const golden = JSON.parse(readFileSync(new URL('golden.json', import.meta.url), 'utf8')) as Record<
  string,
  string | undefined
>;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOf = (name: string): Uint8Array => Buffer.from(golden[name] ?? '', 'hex');

function holds<T>(
  area: string,
  values: Readonly<Record<string, T>>,
  codec: { readonly encode: (value: T) => Uint8Array; readonly decode: (bytes: Uint8Array) => T },
): void {
  it.each(Object.keys(values))(`reads and writes ${area}.%s as ever`, (type) => {
    const value = values[type] as T;
    const name = `${area}.${type}`;
    expect({ [name]: hex(codec.encode(value)) }).toEqual({ [name]: golden[name] });
    expect(codec.decode(bytesOf(name))).toStrictEqual(value);
  });
}

describe('golden bytes', () => {
  const eventsOf = <T>(codec: { encodeEvent(event: T): Uint8Array; decodeEvent(bytes: Uint8Array): T }) => ({
    encode: codec.encodeEvent,
    decode: codec.decodeEvent,
  });
  const commandsOf = <T>(codec: {
    encodeCommand(command: T): Uint8Array;
    decodeCommand(bytes: Uint8Array): T;
  }) => ({ encode: codec.encodeCommand, decode: codec.decodeCommand });

  holds<DirectEvent>('direct.event', samples.directEvents, eventsOf(directCodec));
  holds<GroupEvent>('group.event', samples.groupEvents, eventsOf(groupCodec));
  holds<UserEvent>('user.event', samples.userEvents, eventsOf(userCodec));
  holds<DirectCommand>('direct.command', samples.directCommands, commandsOf(directCodec));
  holds<GroupCommand>('group.command', samples.groupCommands, commandsOf(groupCodec));
  holds<UserCommand>('user.command', samples.userCommands, commandsOf(userCodec));
  const { richer } = samples;
  holds<DirectCommand>('direct.command', richer.directCommands, commandsOf(directCodec));
  holds<DirectEvent>('direct.event', richer.directEvents, eventsOf(directCodec));
  holds<GroupEvent>('group.event', richer.groupEvents, eventsOf(groupCodec));
  holds<UserEvent>('user.event', richer.userEvents, eventsOf(userCodec));
  holds('message', samples.logMessages, { encode: encodeLogMessage, decode: decodeLogMessage });

  const { user, direct, group } = samples.addresses;
  holds(
    'user',
    {
      snapshot: samples.states.user(),
      unreadSnapshot: samples.states.unreadUser(),
      relatedSnapshot: samples.states.relatedUser(),
      settledSnapshot: samples.states.settledUser(),
      shownSnapshot: samples.states.shownUser(),
      deviceSnapshot: samples.states.deviceUser(),
    },
    { encode: userCodec.encodeSnapshot, decode: (bytes) => userCodec.decodeSnapshot(bytes, user) },
  );
  holds(
    'direct',
    {
      snapshot: samples.states.direct(),
      changedSnapshot: samples.states.changedDirect(),
      markedSnapshot: samples.states.markedDirect(),
      refusingSnapshot: samples.states.refusingDirect(),
    },
    { encode: directCodec.encodeSnapshot, decode: (bytes) => directCodec.decodeSnapshot(bytes, direct) },
  );
  holds(
    'group',
    {
      snapshot: samples.states.group(),
      managedSnapshot: samples.states.managedGroup(),
      joinedSnapshot: samples.states.joinedGroup(),
    },
    { encode: groupCodec.encodeSnapshot, decode: (bytes) => groupCodec.decodeSnapshot(bytes, group) },
  );

  it('has a value for all bytes', () => {
    const names = Object.entries({
      'direct.event': { ...samples.directEvents, ...richer.directEvents },
      'group.event': { ...samples.groupEvents, ...richer.groupEvents },
      'user.event': { ...samples.userEvents, ...richer.userEvents },
      'direct.command': { ...samples.directCommands, ...richer.directCommands },
      'group.command': samples.groupCommands,
      'user.command': samples.userCommands,
      message: samples.logMessages,
      user: {
        snapshot: 0,
        unreadSnapshot: 0,
        relatedSnapshot: 0,
        settledSnapshot: 0,
        shownSnapshot: 0,
        deviceSnapshot: 0,
      },
      direct: { snapshot: 0, changedSnapshot: 0, markedSnapshot: 0, refusingSnapshot: 0 },
      group: { snapshot: 0, managedSnapshot: 0, joinedSnapshot: 0 },
    }).flatMap(([area, values]) => Object.keys(values).map((type) => `${area}.${type}`));
    expect(Object.keys(golden).sort()).toEqual(names.sort());
  });
});
