// One record of a shard's journal.
//
//   format 1, record kind (0 commit, 1 epoch, 2 hand-off; 3, 4, 5 the same with an input part), shard name, epoch, n,
//   previous sequence, input offset, [input part: sequence of the message, records dealt with], at ms,
//   lanes in:      count × { source shard name, last lane number }
//   lane cursors:  count × { target shard name, acknowledged lane number }
//   events:        count × { type, tenant, ids, payload }   (one payload, several entities: encoded once)
//   effects:       count × { type, tenant, payload, count × { target shard name, lane number, ids } }
//   crc32 of everything before, 4 bytes little endian
//
// `n` counts a shard's records from 1 without gaps; with `previous sequence` a hole or a rewritten tail shows on replay.
import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from '@parley/std';
import { type FamiliarIdLists, IdListReader, IdListWriter } from './id-lists.ts';

export interface CommittedEvent {
  readonly type: string;
  readonly tenant: string;
  /** The entities this fact happened to, each in turn. */
  readonly ids: readonly string[];
  readonly payload: Uint8Array;
}

export interface EffectTarget {
  /** Target shard name. */
  readonly shard: string;
  /** Number on the lane from this shard to the target; contiguous from 1. */
  readonly number: number;
  /** The entities of that shard it is for. */
  readonly ids: readonly string[];
}

export interface CommittedEffect {
  readonly type: string;
  readonly tenant: string;
  /** The encoded command, once for all targets. */
  readonly payload: Uint8Array;
  readonly targets: readonly EffectTarget[];
}

export interface LaneMark {
  readonly shard: string;
  readonly number: number;
}

/** A message after the input offset that is dealt with in part: it holds more than one commit can. */
export interface InputPart {
  /** Sequence of the message on the command log. */
  readonly sequence: number;
  /** How many of its records are dealt with. */
  readonly records: number;
}

export interface CommitRecord {
  readonly kind: 'commit' | 'epoch' | 'hand-off';
  readonly shard: string;
  readonly epoch: number;
  readonly n: number;
  /** Journal sequence of the shard's record before this one; 0 for the first. */
  readonly previousSequence: number;
  /** Last command log sequence whose effects are in here or before. */
  readonly inputOffset: number;
  readonly inputPart?: InputPart;
  /** Wall clock of the owner; history uses it as the time of the commit. */
  readonly atMs: number;
  readonly lanesIn: readonly LaneMark[];
  readonly laneCursors: readonly LaneMark[];
  readonly events: readonly CommittedEvent[];
  readonly effects: readonly CommittedEffect[];
}

/** The bytes are no commit record: truncated, corrupted, or of a newer format. Programs must stop, never skip. */
export class BadCommitRecord extends Error {
  override readonly name = 'BadCommitRecord';
}

const recordKinds = ['commit', 'epoch', 'hand-off'] as const;

export function encodeCommit(record: CommitRecord): Buffer {
  const { inputPart } = record;
  const kind = recordKinds.indexOf(record.kind) + (inputPart === undefined ? 0 : recordKinds.length);
  const writer = new ByteWriter().u8(1).u8(kind).text(record.shard);
  writer.varint(record.epoch).varint(record.n).varint(record.previousSequence).varint(record.inputOffset);
  if (inputPart !== undefined) writer.varint(inputPart.sequence).varint(inputPart.records);
  writer.varint(record.atMs);
  writeMarks(writer, record.lanesIn);
  writeMarks(writer, record.laneCursors);
  const lists = new IdListWriter(writer);
  writer.varint(record.events.length);
  for (const event of record.events) {
    writer.text(event.type).text(event.tenant);
    lists.write(event.ids);
    writer.blob(event.payload);
  }
  writer.varint(record.effects.length);
  for (const effect of record.effects) {
    writer.text(effect.type).text(effect.tenant).blob(effect.payload).varint(effect.targets.length);
    for (const target of effect.targets) {
      writer.text(target.shard).varint(target.number);
      lists.write(target.ids);
    }
  }
  return writer.u32(crc32(writer.written())).finish();
}

/** Throws BadCommitRecord. Payloads are views on `bytes`. Who reads many records gives all of them the same `familiar`. */
export function decodeCommit(bytes: Uint8Array, familiar?: FamiliarIdLists): CommitRecord {
  return decodeBody(undamagedBody(bytes), familiar);
}

/** @internal A record without its checksum, which must match. Throws BadCommitRecord. */
export function undamagedBody(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 6) throw new BadCommitRecord(`only ${bytes.length} bytes`);
  const body = bytes.subarray(0, bytes.length - 4);
  const expected = new ByteReader(bytes.subarray(bytes.length - 4)).u32();
  if (crc32(body) !== expected) throw new BadCommitRecord('checksum does not match');
  return body;
}

/** What damaged bytes seem to say, for a person to read and for nothing else; undefined when they say nothing. */
export function guessCommit(bytes: Uint8Array): CommitRecord | undefined {
  try {
    return decodeBody(bytes.subarray(0, Math.max(0, bytes.length - 4)));
  } catch {
    return undefined;
  }
}

function decodeBody(body: Uint8Array, familiar?: FamiliarIdLists): CommitRecord {
  const reader = new ByteReader(body);
  const format = reader.u8();
  if (format !== 1) throw new BadCommitRecord(`format ${format} is newer than this program`);
  const kindByte = reader.u8();
  const hasPart = kindByte >= recordKinds.length;
  const kind = recordKinds[hasPart ? kindByte - recordKinds.length : kindByte];
  if (kind === undefined) throw new BadCommitRecord('unknown record kind');
  const lists = new IdListReader(reader, familiar);
  return {
    kind,
    shard: reader.text(),
    epoch: reader.varint(),
    n: reader.varint(),
    previousSequence: reader.varint(),
    inputOffset: reader.varint(),
    ...(hasPart && { inputPart: { sequence: reader.varint(), records: reader.varint() } }),
    atMs: reader.varint(),
    lanesIn: readMarks(reader),
    laneCursors: readMarks(reader),
    events: reader.list(() => ({
      type: reader.text(),
      tenant: reader.text(),
      ids: lists.read(),
      payload: reader.blob(),
    })),
    effects: reader.list(() => ({
      type: reader.text(),
      tenant: reader.text(),
      payload: reader.blob(),
      targets: reader.list(() => ({
        shard: reader.text(),
        number: reader.varint(),
        ids: lists.read(),
      })),
    })),
  };
}

function writeMarks(writer: ByteWriter, marks: readonly LaneMark[]): void {
  writer.varint(marks.length);
  for (const mark of marks) writer.text(mark.shard).varint(mark.number);
}

const readMarks = (reader: ByteReader): LaneMark[] =>
  reader.list(() => ({ shard: reader.text(), number: reader.varint() }));
