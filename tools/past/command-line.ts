// What an operator may ask, and the question it becomes.
import { parseArgs } from 'node:util';
import { tenantPattern } from '@parley/protocol';
import { Unreachable } from '../verify/sources.ts';
import type { AdminBody } from './admin-questions.ts';

export const help = `Asks what was, who asked about it, and how long it is kept.

  npm run -s past -- conversation g.team [--at T] [--sequence N]   what it was: members, roles, mutes, settings
  npm run -s past -- message g.team 17 [--at T]                    the message and every change of it
  npm run -s past -- inbox alice [--at T] [--position N]           entries, conversations, read pointers
  npm run -s past -- retention [--days N]                          show or set how long messages are kept; 0: for ever
  npm run -s past -- hold user alice --reason TEXT                 nothing of theirs is deleted (or: hold conversation ID)
  npm run -s past -- release user alice                            … until they are released
  npm run -s past -- holds                                         who and what is on hold
  npm run -s past -- audit [--limit N] [--before CURSOR]           who asked and changed what, newest first

  --at T            a date, or milliseconds since 1970
  --after X         the next page: a member, a version's sequence, an inbox position
  --limit N         of a page
  --tenant TENANT   (default: default)
  --nats URL        NATS of the cluster (default PARLEY_NATS_URL, else what npm start has started)
  --data FOLDER     data folder of npm start (default ./parley-data)
  --help

Answers are JSON. Every question is in the tenant's audit. Exit status: 0 answered, 1 refused (with a code), 2 usage, or no answer.
`;

export interface Asked {
  readonly tenant: string;
  readonly body: AdminBody;
  readonly nats: string | undefined;
  readonly data: string;
}

/** Undefined: help. Throws Unreachable with one line on a mistake. */
export function readCommandLine(args: readonly string[]): Asked | undefined {
  const text = { type: 'string' } as const;
  const parsed = parse(args, {
    at: text,
    sequence: text,
    position: text,
    after: text,
    before: text,
    limit: text,
    days: text,
    reason: text,
    tenant: { ...text, default: 'default' },
    nats: text,
    data: { ...text, default: 'parley-data' },
    help: { type: 'boolean', default: false, short: 'h' },
  } as const);
  const { values, positionals } = parsed;
  if (values.help || positionals.length === 0) return undefined;
  const { tenant, nats, data } = values;
  if (!tenantPattern.test(tenant)) throw new Unreachable(`--tenant ${tenant} is no tenant`);
  return { tenant, nats, data, body: bodyOf(positionals, values) };
}

function parse<const Options extends NonNullable<Parameters<typeof parseArgs>[0]>['options']>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (cause) {
    throw new Unreachable(`${(cause as Error).message} (--help lists the options)`, { cause });
  }
}

type Values = Readonly<
  Partial<Record<'at' | 'sequence' | 'position' | 'after' | 'before' | 'limit' | 'days' | 'reason', string>>
>;

function bodyOf([command = '', ...rest]: readonly string[], values: Values): AdminBody {
  const atMs = timeOf(values.at);
  const limit = numberOf('--limit', values.limit);
  const [first = '', second = ''] = rest;
  switch (command) {
    case 'conversation': {
      const sequence = numberOf('--sequence', values.sequence);
      return {
        conversationAsOf: { conversation: first, atMs, sequence, limit, membersAfter: values.after ?? '' },
      };
    }
    case 'message': {
      const sequence = numberOf('the sequence', second);
      return {
        messageVersions: { conversation: first, sequence, atMs, after: numberOf('--after', values.after) },
      };
    }
    case 'inbox': {
      const position = numberOf('--position', values.position);
      return { inboxAsOf: { user: first, atMs, position, limit, after: numberOf('--after', values.after) } };
    }
    case 'retention':
      if (values.days === undefined) return { retention: {} };
      return { setRetention: { days: numberOf('--days', values.days) } };
    case 'hold':
      if (!values.reason) throw new Unreachable('a hold has a --reason');
      return { setHold: { kind: first, id: second, isHeld: true, reason: values.reason } };
    case 'release':
      return { setHold: { kind: first, id: second, isHeld: false } };
    case 'holds':
      return { holds: {} };
    case 'audit':
      return { audit: { limit, before: values.before ?? '' } };
    default:
      throw new Unreachable(`there is no ${command} (--help lists what there is)`);
  }
}

function numberOf(name: string, value: string | undefined): number {
  if (value === undefined) return 0;
  if (!/^\d{1,15}$/.test(value)) throw new Unreachable(`${name} is no number: ${value}`);
  return Number(value);
}

/** A date, or milliseconds since 1970; 0 when it is not given. */
export function timeOf(value: string | undefined, name = '--at'): number {
  if (value === undefined) return 0;
  const ms = /^\d{1,15}$/.test(value) ? Number(value) : Date.parse(value);
  if (!Number.isSafeInteger(ms) || ms <= 0) throw new Unreachable(`${name} ${value} is no time`);
  return ms;
}
