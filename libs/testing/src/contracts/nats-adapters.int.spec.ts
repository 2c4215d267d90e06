// The NATS adapters keep the contracts of their ports, on one server.
import { afterAll, beforeAll } from 'vitest';
import { startNats } from '../servers/nats-server.ts';
import { describeCommandLog } from './command-log.contract.ts';
import { describeJournal } from './journal.contract.ts';
import { describeKeyValueStore } from './key-value.contract.ts';
import { describeMessenger } from './messenger.contract.ts';
import { type NatsBench, natsBench } from './nats-bench.ts';
import { describeSnapshotStore } from './snapshot-store.contract.ts';
import { describeTrimGuard } from './trim-guard.contract.ts';

let bench: NatsBench;

beforeAll(async () => {
  const server = await startNats();
  bench = await natsBench({ url: server.url, stop: () => server.stop() });
});
afterAll(() => bench.stop());

describeJournal('NATS, one server', () => bench);
describeCommandLog('NATS, one server', () => bench);
describeKeyValueStore('NATS, one server', () => bench);
describeSnapshotStore('NATS, one server', () => bench);
describeMessenger('NATS, one server', () => bench);
describeTrimGuard('NATS, one server', () => bench);
