// docs/protocol.md says what the code does: every name is in it, and every example is true in both encodings.
import { readFileSync } from 'node:fs';
import { errorCodes, wire } from '@parley/protocol';
import { describe, expect, test } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');
// Tables may be aligned with spaces.
const document = read('docs/protocol.md').replaceAll(/ +\|/g, ' |').replaceAll(/\| +/g, '| ');
const proto = read('proto/parley/v1/frames.proto');

const fieldNames = [...proto.matchAll(/^\s+(?:repeated )?\w+ (\w+) = \d+;/gm)].map((match) => match[1]!);
const examples = [
  ...document.matchAll(/```json (client|server)\n([\s\S]*?)```\n\n```hex\n([\s\S]*?)```/g),
].map(([, side, json, hex]) => ({ side: side!, json: json!, hex: hex! }));

test('every error code is in the table, with what the code says about it', () => {
  for (const [code, { retryable, status, message }] of Object.entries(errorCodes)) {
    const row = document.split('\n').find((line) => line.startsWith(`| \`${code}\` |`));
    expect(row, code).toBeDefined();
    expect(row, code).toContain(message);
    expect(row, code).toMatch(new RegExp(`\\| ${retryable ? 'yes' : 'no'}.*\\| ${status} \\|$`));
  }
});

test('every field of every frame is named', () => {
  expect(fieldNames.length).toBeGreaterThan(80);
  expect([...new Set(fieldNames)].filter((name) => !document.includes(`\`${name}\``))).toEqual([]);
});

test('the field table has every message with its numbers', () => {
  for (const [, name, body] of proto.matchAll(/^message (\w+) \{(\}|[\s\S]*?^\})/gm)) {
    const row = document
      .split('\n')
      .find((line) => line.startsWith(`| \`${name}\` | `) && / = \d| none /.test(line));
    expect(row, name).toBeDefined();
    for (const [, repeated, type, field, number] of body!.matchAll(
      /^\s+(repeated )?(\w+) (\w+) = (\d+);/gm,
    )) {
      expect(row, name).toContain(`\`${field}\` ${type}${repeated ? '[]' : ''} = ${number}`);
    }
  }
});

test('each request and push has an example', () => {
  const shown = examples.flatMap(({ json }) => Object.keys(JSON.parse(json) as object)).join(' ');
  for (const body of [
    'hello',
    'send',
    'sync',
    'ack',
    'read',
    'history',
    'typing',
    'presenceQuery',
    'ping',
    'edit',
    'recall',
    'react',
    'pin',
    'setConversation',
    'deleteForMe',
    'clearHistory',
  ]) {
    expect(shown).toContain(body);
  }
  for (const body of [
    'deliver',
    'live',
    'receipt',
    'typingNotice',
    'syncNeeded',
    'goAway',
    'error',
    'welcome',
  ]) {
    expect(shown).toContain(body);
  }
});

describe('examples', () => {
  test.each(examples.map((example, i) => ({ ...example, name: `${i + 1}: ${example.json.slice(0, 60)}` })))(
    '$name',
    ({ side, json, hex }) => {
      const type = side === 'client' ? wire.ClientFrame : wire.ServerFrame;
      const bytes = Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');
      const decoded = type.toObject(type.decode(bytes) as never, { longs: String, enums: String });
      expect(decoded).toEqual(JSON.parse(json));
    },
  );
});
