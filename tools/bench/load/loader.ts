// Main file of a load process: does what the bench tells it over IPC. It ends when the bench does.
import type { FromLoader, ToLoader } from './plan.ts';
import { LoadRun } from './load-run.ts';

const progressEveryMs = 1_000;

let run: LoadRun | undefined;

const tell = (message: FromLoader): void => void process.send?.(message);

async function handle(message: ToLoader): Promise<void> {
  switch (message.do) {
    case 'connect':
      run?.disconnect();
      run = new LoadRun(message.plan);
      tell({ is: 'connected', report: await run.connect() });
      break;
    case 'send':
      tell({ is: 'sent', totals: await run!.send(message.window) });
      break;
    case 'settle':
      tell({ is: 'settled', report: await run!.settle(message.totals, message.limitMs) });
      break;
    case 'disconnect':
      run?.disconnect();
      run = undefined;
      tell({ is: 'disconnected' });
      break;
  }
}

process.on('message', (message: ToLoader) => {
  handle(message).catch((error: unknown) =>
    tell({ is: 'failed', why: (error as Error).stack ?? String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
setInterval(() => {
  if (run !== undefined) tell({ is: 'progress', counts: { ...run.counts }, connected: run.connectedCount });
}, progressEveryMs);
tell({ is: 'ready' });
