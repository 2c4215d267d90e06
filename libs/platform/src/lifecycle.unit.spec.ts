import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { type AppOptions, type LifecycleHost, type ReadyMessage, runApp } from './lifecycle.ts';
import { silentLogger } from './logging.ts';

class FakeHost extends EventEmitter implements LifecycleHost {
  readonly sent: ReadyMessage[] = [];
  readonly exits: number[] = [];

  exit(code: number): void {
    this.exits.push(code);
  }

  send(message: ReadyMessage): void {
    this.sent.push(message);
  }
}

async function run(options: Omit<AppOptions, 'logger' | 'host'>): Promise<FakeHost> {
  const host = new FakeHost();
  await runApp({ ...options, logger: silentLogger(), host });
  return host;
}

const exited = (host: FakeHost) => vi.waitFor(() => expect(host.exits.length).toBeGreaterThan(0));

describe('runApp', () => {
  it('tells the supervisor when it is ready, with what the start returned', async () => {
    const host = await run({ start: async () => ({ wsPort: 8080 }) });
    expect(host.sent).toEqual([{ type: 'ready', info: { wsPort: 8080 } }]);
  });

  it('stops in the reverse order of starting, one step after another', async () => {
    const order: string[] = [];
    const host = await run({
      start: async (lifecycle) => {
        lifecycle.onStop('connection', () => void order.push('connection'));
        lifecycle.onStop('sockets', async () => {
          await Promise.resolve();
          order.push('sockets');
        });
      },
    });
    host.emit('SIGTERM');
    await exited(host);
    expect(order).toEqual(['sockets', 'connection']);
    expect(host.exits).toEqual([0]);
  });

  it('stops when the supervisor is gone', async () => {
    const host = await run({ start: async () => undefined });
    host.emit('disconnect');
    await exited(host);
    expect(host.exits).toEqual([0]);
  });

  it('leaves with status 1 when stopping takes longer than the grace period', async () => {
    const host = await run({
      stopGraceMs: 5,
      start: async (lifecycle) => lifecycle.onStop('stuck', () => new Promise(() => undefined)),
    });
    host.emit('SIGTERM');
    await exited(host);
    expect(host.exits).toEqual([1]);
  });

  it('takes two signals of one instant for one', async () => {
    const host = await run({
      start: async (lifecycle) =>
        lifecycle.onStop('slow', () => new Promise((resolve) => setImmediate(resolve))),
    });
    host.emit('SIGINT');
    host.emit('SIGINT');
    expect(host.exits).toEqual([]);
    await exited(host);
    expect(host.exits).toEqual([0]);
  });

  it('undoes what was started and exits with 1 when the start fails', async () => {
    const undone = vi.fn();
    const host = await run({
      start: async (lifecycle) => {
        lifecycle.onStop('connection', undone);
        throw new Error('NATS is too old');
      },
    });
    await exited(host);
    expect(undone).toHaveBeenCalledOnce();
    expect(host.exits).toEqual([1]);
    expect(host.sent).toEqual([]);
  });

  it('goes on with the other steps when one fails, and exits with 1', async () => {
    const other = vi.fn();
    const host = await run({
      start: async (lifecycle) => {
        lifecycle.onStop('other', other);
        lifecycle.onStop('broken', () => Promise.reject(new Error('no')));
      },
    });
    host.emit('SIGTERM');
    await exited(host);
    expect(other).toHaveBeenCalledOnce();
    expect(host.exits).toEqual([1]);
  });
});
