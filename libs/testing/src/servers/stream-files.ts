// The files of a stopped NATS server: a bit flipped where a text stands, an older copy of everything or of one stream.
// What a disk, an operator or a backup may do to it.
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const streamsFolder = (dataFolder: string): string => path.join(dataFolder, 'jetstream', '$G', 'streams');
const messagesFolder = (dataFolder: string, stream: string): string =>
  path.join(streamsFolder(dataFolder), stream, 'msgs');

/** Flips one bit in the last place where `text` stands in the stream's messages. */
export function flipBit(dataFolder: string, stream: string, text: string): void {
  const folder = messagesFolder(dataFolder, stream);
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.blk'))) {
    const file = path.join(folder, name);
    const bytes = readFileSync(file);
    const at = bytes.lastIndexOf(text);
    if (at < 0) continue;
    bytes[at] = bytes[at]! ^ 1;
    writeFileSync(file, bytes);
    return;
  }
  throw new Error(`${text} stands in no file of ${folder}`);
}

/** Everything the server has stored, or one stream of it. */
export function copyStore(dataFolder: string, to: string, stream = ''): void {
  cpSync(path.join(streamsFolder(dataFolder), stream), to, { recursive: true });
}

/** Puts a copy back; what the server has stored since is gone. */
export function restoreStore(dataFolder: string, from: string, stream = ''): void {
  const folder = path.join(streamsFolder(dataFolder), stream);
  rmSync(folder, { recursive: true, force: true });
  cpSync(from, folder, { recursive: true });
}
