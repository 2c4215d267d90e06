// A process that runs seeds for run-seeds.ts, one after another.
import { simulate } from './simulate.ts';

process.on('message', (task: { readonly seed: number; readonly replicas: 1 | 3 }) => {
  simulate(task.seed, task.replicas).then(
    (report) => process.send?.(report),
    (cause: unknown) => {
      process.stderr.write(`seed ${task.seed}: ${cause instanceof Error ? cause.stack : String(cause)}\n`);
      process.exit(1);
    },
  );
});
