// Holds a history folder open until it is killed, for the test of the second process.
import { openEmbeddedClickHouse } from '@parley/adapters';

await openEmbeddedClickHouse({ folder: process.argv[2] ?? '' });
setInterval(() => undefined, 1_000);
process.send?.('open');
