// The twins in memory keep the contracts of their ports.
import { describeCommandLog } from './command-log.contract.ts';
import { describeJournal } from './journal.contract.ts';
import { describeKeyValueStore } from './key-value.contract.ts';
import { memoryBench } from './memory-bench.ts';
import { describeMessenger } from './messenger.contract.ts';
import { describeSnapshotStore } from './snapshot-store.contract.ts';
import { describeTrimGuard } from './trim-guard.contract.ts';

const bench = memoryBench();

describeJournal('in memory', () => bench);
describeCommandLog('in memory', () => bench);
describeKeyValueStore('in memory', () => bench);
describeSnapshotStore('in memory', () => bench);
describeMessenger('in memory', () => bench);
describeTrimGuard('in memory', () => bench);
