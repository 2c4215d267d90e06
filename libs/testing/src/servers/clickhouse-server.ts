// A ClickHouse server for tests and benches, in a process of its own that can be killed and started again: see
// clickhouse-process.ts. A real one is larger than everything else together.
import path from 'node:path';
import { type ServerHandle, startServer } from './server-process.ts';
import { projectFolder } from './tool-path.ts';

export interface ClickHouseOptions {
  /** Default: a temporary folder, removed on stop. */
  readonly dataFolder?: string | undefined;
  /** Default: a free port. */
  readonly port?: number | undefined;
  readonly logFile?: string | undefined;
}

const script = path.join(import.meta.dirname, `clickhouse-process${path.extname(import.meta.filename)}`);
const probeLimitMs = 2_000;

export const startClickHouse = (options: ClickHouseOptions = {}): Promise<ServerHandle> =>
  startServer({
    ...options,
    name: 'clickhouse',
    scheme: 'http',
    command: path.join(projectFolder, 'node_modules/.bin/node'),
    args: (port, folder) => [
      '--conditions=source',
      '--disable-warning=ExperimentalWarning',
      script,
      folder,
      String(port),
    ],
    probe: answersSelect,
  });

async function answersSelect(port: number): Promise<boolean> {
  const url = `http://127.0.0.1:${port}/?query=${encodeURIComponent('SELECT 1')}`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(probeLimitMs) });
  return answer.ok;
}
