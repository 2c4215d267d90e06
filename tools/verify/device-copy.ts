// What a device has: from a file it wrote, or of a fresh device that has just synced everything its user may see.
import { readFile } from 'node:fs/promises';
import { type ClientOptions, createClient } from '@parley/client';
import { fromWireMessage, type parley } from '@parley/protocol';
import { messageDigest } from './digest.ts';
import { Unreachable } from './sources.ts';

/** Sequence → digest; an empty digest says only that it is there. */
export type DeviceConversation = Map<number, string>;

export interface DeviceCopy {
  readonly name: string;
  readonly tenant: string;
  /** Set for a device that should have everything of this user up to the beginning of the verification. */
  readonly user: string | undefined;
  readonly conversations: ReadonlyMap<string, DeviceConversation>;
  /** Sequences that came twice. */
  readonly doubled: readonly { readonly conversation: string; readonly sequence: number }[];
}

/** A line that is none ends the reading: with its number. */
export class BadDeviceFile extends Error {
  override readonly name = 'BadDeviceFile';
}

/** JSON Lines: `{"conversation":"d.alice.bob","sequence":1,"digest":"…"}`; the digest may be left out. */
export async function readDeviceFile(file: string, tenant: string): Promise<DeviceCopy> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new BadDeviceFile(`${file} cannot be read: ${(cause as Error).message}`, { cause });
  });
  return deviceOfLines(text, { tenant, name: file });
}

export function deviceOfLines(
  text: string,
  { tenant, name }: { readonly tenant: string; readonly name: string },
): DeviceCopy {
  const conversations = new Map<string, DeviceConversation>();
  const doubled: { conversation: string; sequence: number }[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const { conversation, sequence, digest } = lineOf(line, `${name}, line ${index + 1}`);
    const copy = conversations.get(conversation) ?? new Map<number, string>();
    conversations.set(conversation, copy);
    if (copy.has(sequence)) doubled.push({ conversation, sequence });
    copy.set(sequence, digest);
  }
  return { name, tenant, user: undefined, conversations, doubled };
}

function lineOf(line: string, where: string) {
  let value: { conversation?: unknown; sequence?: unknown; digest?: unknown };
  try {
    value = JSON.parse(line) as typeof value;
  } catch (cause) {
    throw new BadDeviceFile(`${where} is not JSON`, { cause });
  }
  const { conversation, sequence, digest = '' } = value ?? {};
  const isGood =
    typeof conversation === 'string' &&
    Number.isSafeInteger(sequence) &&
    (sequence as number) > 0 &&
    typeof digest === 'string';
  if (!isGood) throw new BadDeviceFile(`${where} needs a conversation, a sequence, and a digest if any`);
  return { conversation, sequence: sequence as number, digest };
}

const syncLimitMs = 120_000;
const pollMs = 50;

/** A new device that syncs from nothing. Its messages are in memory until they are digested. */
export async function syncDevice(options: Pick<ClientOptions, 'url' | 'token' | 'ca'>): Promise<DeviceCopy> {
  const client = createClient({ ...options, deviceId: `verify-${Date.now().toString(36)}` });
  const endMs = performance.now() + syncLimitMs;
  let refusal: Error | undefined;
  let lastDetail = '';
  client.on('state', ({ detail }) => (lastDetail = detail));
  client.connect().catch((error: unknown) => (refusal = error as Error));
  try {
    while (!(client.isCaughtUp && client.conversations.every((view) => view.isComplete))) {
      if (refusal !== undefined) throw new Unreachable(`the device was refused: ${refusal.message}`);
      if (performance.now() > endMs)
        throw new Unreachable(`the device has not synced within ${syncLimitMs / 1_000} s: ${lastDetail}`);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    const conversations = new Map<string, DeviceConversation>();
    const doubled: { conversation: string; sequence: number }[] = [];
    for (const { id, segments } of client.conversations) {
      const copy: DeviceConversation = new Map();
      conversations.set(id, copy);
      for (const message of segments.flatMap((segment) => segment.messages)) {
        if (copy.has(message.sequence)) doubled.push({ conversation: id, sequence: message.sequence });
        copy.set(message.sequence, messageDigest(fromWireMessage(message as parley.v1.Message)));
      }
    }
    const { user, tenant } = client;
    return { name: `a new device of ${user}`, tenant, user, conversations, doubled };
  } finally {
    client.close();
  }
}
