// Creates a stream when it is missing; refuses to run on one whose settings would lose data.
import type { JetStreamManager, StreamConfig } from '@nats-io/jetstream';
import { natsApiCode, natsApiCodes } from './nats-errors.ts';

export type WantedStream = Pick<StreamConfig, 'name' | 'subjects'> & Partial<StreamConfig>;

/** Settings that decide what is kept: they must be as wanted. The others are the operator's to tune. */
const decisive = [
  'retention',
  'storage',
  'discard',
  'max_msgs_per_subject',
  'max_msgs',
  'max_age',
  'allow_msg_ttl',
  'sealed',
] as const satisfies readonly (keyof StreamConfig)[];

/** A stream exists with settings that would lose data. */
export class StreamMisconfigured extends Error {
  override readonly name = 'StreamMisconfigured';
}

/** `exempt` names decisive settings that an operator may tune on this stream. */
export async function ensureStream(
  jsm: JetStreamManager,
  wanted: WantedStream,
  exempt: readonly (keyof StreamConfig)[] = [],
): Promise<void> {
  const existing = (await find(jsm, wanted.name)) ?? (await add(jsm, wanted));
  const wrong = decisive
    .filter((field) => wanted[field] !== undefined && !exempt.includes(field))
    .filter((field) => normal(existing[field]) !== normal(wanted[field]))
    .map((field) => `${field} is ${String(existing[field])}, must be ${String(wanted[field])}`);
  if (existing.subjects?.join() !== wanted.subjects?.join()) {
    wrong.push(`subjects are ${existing.subjects?.join()}, must be ${wanted.subjects?.join()}`);
  }
  if (wrong.length > 0) throw new StreamMisconfigured(`stream ${wanted.name}: ${wrong.join('; ')}`);
}

async function find(jsm: JetStreamManager, name: string): Promise<StreamConfig | undefined> {
  try {
    return (await jsm.streams.info(name)).config;
  } catch (cause) {
    if (natsApiCode(cause) === natsApiCodes.streamNotFound) return undefined;
    throw cause;
  }
}

async function add(jsm: JetStreamManager, wanted: WantedStream): Promise<StreamConfig> {
  try {
    return (await jsm.streams.add(wanted)).config;
  } catch (cause) {
    // Another process was faster, with other settings: theirs are checked instead.
    const existing =
      natsApiCode(cause) === natsApiCodes.streamNameInUse ? await find(jsm, wanted.name) : undefined;
    if (existing === undefined) throw new Error(`cannot create stream ${wanted.name}`, { cause });
    return existing;
  }
}

/** Absent, false, 0 and -1 all mean "off" or "unlimited". */
const normal = (value: unknown): unknown =>
  value === undefined || value === false || value === -1 ? 0 : value;
