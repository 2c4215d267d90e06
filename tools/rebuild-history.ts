// `npm run -s rebuild-history`: has the history process of a running cluster make its store anew beside the one in use, compare
// both row for row, and put the new one in its place. The work is done there (apps/history/src/rebuild); this starts and watches it.
//
//   npm run -s rebuild-history                   begins, and waits for the end
//   npm run -s rebuild-history -- --status       what the last one became; changes nothing
//
// Progress on stderr, one JSON line on stdout. Exit status: 0 switched (or still under way, with --status), 1 it differs or
// failed: what was in use stays; 2 nobody answers, usage.
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { NatsMessenger, connectNats } from '@parley/adapters';
import { subjects } from '@parley/protocol';
import { natsUrlOf } from './verify/nats-sources.ts';

const help = `Makes history anew from journals and events, beside the one in use; switches when both are the same.

  npm run -s rebuild-history -- [options]

  --status       what became of the last one; starts nothing
  --nats URL     NATS of the cluster (default PARLEY_NATS_URL, else what npm start has started)
  --data FOLDER  data folder of npm start (default ./parley-data)
  --help
`;

interface Status {
  readonly state: 'none' | 'building' | 'comparing' | 'switched' | 'different' | 'failed';
  readonly rows?: number;
  readonly behind?: number;
  readonly reason?: string;
}

const pollMs = 1_000;
const answerLimitMs = 10_000;
/** A process that is busy comparing may answer late; one that is gone never does. */
const silenceMsMax = 60_000;
const connectLimitMs = 3_000;

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`rebuild-history: ${(error as Error).message}\n`);
  process.exitCode = 2;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      status: { type: 'boolean', default: false },
      nats: { type: 'string' },
      data: { type: 'string', default: './parley-data' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const url = await natsUrlOf(values);
  const link = await connectNats(url, { name: 'rebuild-history', startTimeoutMs: connectLimitMs });
  try {
    const messenger = new NatsMessenger(link);
    let status = await ask(messenger, values.status ? 'status' : 'start');
    while (!values.status && (status.state === 'building' || status.state === 'comparing')) {
      process.stderr.write(
        `${status.state}: ${status.rows ?? 0} rows, ${status.behind ?? 0} sequences behind\n`,
      );
      await delay(pollMs);
      status = await ask(messenger, 'status');
    }
    process.stdout.write(`${JSON.stringify(status)}\n`);
    return ['different', 'failed'].includes(status.state) || (status.state === 'none' && !values.status)
      ? 1
      : 0;
  } finally {
    await link.close();
  }
}

async function ask(messenger: NatsMessenger, order: 'start' | 'status'): Promise<Status> {
  const untilMs = performance.now() + (order === 'start' ? answerLimitMs : silenceMsMax);
  for (;;) {
    const result = await messenger.request(subjects.history('rebuild'), Buffer.from(order), answerLimitMs);
    if (result.outcome === 'answered') return JSON.parse(Buffer.from(result.bytes).toString()) as Status;
    if (performance.now() > untilMs)
      throw new Error(`no history process answers (${result.outcome}): is one running, and projecting?`);
    await delay(pollMs);
  }
}
