// A real Redis for tests, the demo and `npm start`: loopback only, nothing saved (what Parley keeps there can be rebuilt).
import net from 'node:net';
import { type ServerHandle, startServer } from './server-process.ts';
import { toolPath } from './tool-path.ts';

export interface RedisOptions {
  /** Default: a temporary folder, removed on stop. */
  readonly dataFolder?: string | undefined;
  /** Default: a free port. */
  readonly port?: number | undefined;
  readonly logFile?: string | undefined;
  /** Added to the server's environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

const probeLimitMs = 1_000;

export async function startRedis(options: RedisOptions = {}): Promise<ServerHandle> {
  return startServer({
    ...options,
    name: 'redis-server',
    scheme: 'redis',
    command: await toolPath('redis-server'),
    args: (port, folder) => [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
      ...['--save', '', '--appendonly', 'no', '--daemonize', 'no'],
    ],
    probe: answersPing,
  });
}

function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const finish = (isUp: boolean) => {
      socket.destroy();
      resolve(isUp);
    };
    socket.setTimeout(probeLimitMs, () => finish(false));
    socket.once('data', (data) => finish(data.toString('latin1').startsWith('+PONG')));
    socket.once('error', () => finish(false));
  });
}
