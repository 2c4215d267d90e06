// Takes the records of one subject of a stream, for ever: a StreamReader with a bounded buffer in front of `take`.
import { assert } from '@parley/std';
import type { NatsChannel } from './nats-link.ts';
import { StreamReader } from './stream-reader.ts';

export interface StreamRecord {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

export interface RecordReaderOptions {
  readonly channel: NatsChannel;
  readonly stream: string;
  readonly subject: string;
  readonly afterSequence: number;
  /** Asks for no more while this many records wait to be taken. Default 1,024. */
  readonly readAheadMessagesMax?: number | undefined;
  /** Asks for no more while this many bytes wait to be taken. Default 8 MiB. */
  readonly readAheadBytesMax?: number | undefined;
  readonly onRestart: (reason: string) => void;
  /** Records asked for in one go; see StreamReader. */
  readonly windowMessages?: number | undefined;
  /** From one burst of records to the next; see StreamReader. Default 0. */
  readonly pauseMs?: number | undefined;
}

const readAheadMessagesMaxDefault = 1_024;
const readAheadBytesMaxDefault = 8 * 1024 * 1024;

export class RecordReader {
  readonly #reader: StreamReader;
  #records: StreamRecord[] = [];
  #first = 0;
  #bytes = 0;
  #waiting:
    { readonly max: number; readonly resolve: (records: readonly StreamRecord[]) => void } | undefined;
  #isWaking = false;
  #isStopped = false;

  constructor(options: RecordReaderOptions) {
    const messagesMax = options.readAheadMessagesMax ?? readAheadMessagesMaxDefault;
    const bytesMax = options.readAheadBytesMax ?? readAheadBytesMaxDefault;
    this.#reader = new StreamReader({
      channel: options.channel,
      stream: options.stream,
      filter: options.subject,
      start: { afterSequence: options.afterSequence },
      hasRoom: () => this.#records.length - this.#first < messagesMax && this.#bytes < bytesMax,
      onMessage: (message, sequence) => this.#add({ sequence, bytes: message.data }),
      onRestart: options.onRestart,
      ...(options.windowMessages === undefined ? {} : { windowMessages: options.windowMessages }),
      ...(options.pauseMs === undefined ? {} : { pauseMs: options.pauseMs }),
    });
  }

  take(max: number): Promise<readonly StreamRecord[]> {
    assert(max > 0, 'RecordReader.take: max must be positive');
    assert(this.#waiting === undefined, 'RecordReader.take: one take at a time');
    if (this.#isStopped) return Promise.resolve([]);
    if (this.#first < this.#records.length) return Promise.resolve(this.#next(max));
    return new Promise((resolve) => {
      this.#waiting = { max, resolve };
    });
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#reader.stop();
    this.#records = [];
    this.#waiting?.resolve([]);
    this.#waiting = undefined;
  }

  #add(record: StreamRecord): void {
    this.#records.push(record);
    this.#bytes += record.bytes.length;
    if (this.#waiting === undefined || this.#isWaking) return;
    // After everything that came with the same read of the socket, so that a busy shard takes batches.
    this.#isWaking = true;
    queueMicrotask(() => {
      this.#isWaking = false;
      const waiting = this.#waiting;
      if (waiting === undefined) return;
      this.#waiting = undefined;
      waiting.resolve(this.#next(waiting.max));
    });
  }

  #next(max: number): readonly StreamRecord[] {
    const end = Math.min(this.#records.length, this.#first + max);
    const taken = this.#records.slice(this.#first, end);
    for (const record of taken) this.#bytes -= record.bytes.length;
    this.#first = end;
    if (this.#first === this.#records.length) {
      this.#records = [];
      this.#first = 0;
    }
    this.#reader.pull();
    return taken;
  }
}
