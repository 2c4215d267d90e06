import { expect, it } from 'vitest';
import { createLogger, nestLogger } from './logging.ts';

function capture(level = 'info') {
  const lines: Record<string, unknown>[] = [];
  const destination = {
    write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  };
  return { lines, logger: createLogger('gateway', { level, nodeId: 'gateway-1', destination }) };
}

it('writes one JSON line with app, node, level name, fields and a fixed text', () => {
  const { lines, logger } = capture();
  logger.child({ kind: 'group' }).warn({ shard: 3, epoch: 7 }, 'shard is fenced');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    app: 'gateway',
    node: 'gateway-1',
    level: 'warn',
    kind: 'group',
    shard: 3,
    epoch: 7,
    msg: 'shard is fenced',
  });
});

it('writes errors with their causes', () => {
  const { lines, logger } = capture();
  logger.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'it failed');
  expect(JSON.stringify(lines[0])).toContain('inner');
});

it('keeps Nest start-up chatter out of the info level and passes its errors on', () => {
  const { lines, logger } = capture();
  const nest = nestLogger(logger);
  nest.log('Mapped {/health, GET} route', 'RouterExplorer');
  nest.error('no such provider', 'stack', 'Injector');
  expect(lines.map((line) => line['msg'])).toEqual(['no such provider']);
});
