// Plays the dialogues as direct conversations: line by line, each side on its own connection; some with the receiver away.
import { directConversation } from '@parley/protocol';
import { Gate } from './gate.ts';
import type { People } from './people.ts';
import type { Pair } from './plan.ts';

export interface DialogueReplayOptions {
  readonly people: People;
  readonly pairs: readonly Pair[];
  onProgress(done: number): void;
  isStopping(): boolean;
}

const pairsAtOnceMax = 24;
/** Every so many-th line is sent once more, as after a lost acknowledgement. */
const repeatEvery = 10;

export const conversationOf = (pair: Pair): string => directConversation(pair.first, pair.second);

export async function replayDialogues(options: DialogueReplayOptions): Promise<void> {
  const gate = new Gate(pairsAtOnceMax);
  let done = 0;
  for (const pair of options.pairs) {
    await gate.start(async () => {
      try {
        await replayPair(pair, options);
      } catch (error) {
        options.people.fail(`${pair.first} and ${pair.second}: ${(error as Error).message}`);
      }
      options.onProgress(++done);
    });
    if (options.isStopping()) break;
  }
  await gate.drain();
}

async function replayPair(pair: Pair, { people, isStopping }: DialogueReplayOptions): Promise<void> {
  const devices = pair.manner === 'two devices' ? 2 : 1;
  await Promise.all([people.connect(pair.first, devices), people.connect(pair.second, devices)]);
  const conversation = conversationOf(pair);
  // Known to the server now, and away: everything that follows waits for the return.
  if (pair.manner === 'receiver offline') people.disconnect(pair.second);
  for (const [index, line] of pair.lines.entries()) {
    if (isStopping()) return;
    await people.send(pair[line.from], conversation, line.text, index % repeatEvery === 0);
  }
}
