// The columns of the window against a plain list of entries, round and round.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type DedupeEntry,
  dedupeEntries,
  emptyDedupe,
  findPosted,
  rememberPosted,
  restoreDedupe,
} from './dedupe-window.ts';

const limits = { dedupeCountMax: 3, dedupeAgeMaxMs: 10 };

test('the newest entries are found, by count and by age, and a snapshot keeps them', () => {
  const post = fc.record({
    sender: fc.constantFrom('ann', 'bob'),
    afterMs: fc.nat(6),
    isRestart: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(post, { maxLength: 20 }), (posts) => {
      let window = emptyDedupe(limits);
      const all: DedupeEntry[] = [];
      let atMs = 1_000;
      for (const { sender, afterMs, isRestart } of posts) {
        atMs += afterMs;
        const sequence = all.length + 1;
        const entry = { sender, clientMessageId: `c${sequence}`, sequence, atMs };
        all.push(entry);
        rememberPosted(window, entry, limits);
        if (isRestart) window = restoreDedupe(dedupeEntries(window), limits);
        const kept = all.slice(-3).filter((each) => atMs - each.atMs <= 10);
        expect(dedupeEntries(window)).toEqual(kept);
        for (const each of all) {
          const found = findPosted(window, each.sender, each.clientMessageId);
          expect(found).toEqual(kept.includes(each) ? each : undefined);
        }
        expect(findPosted(window, 'cat', entry.clientMessageId)).toBeUndefined();
      }
    }),
  );
});
